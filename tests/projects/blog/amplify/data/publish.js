export function request(ctx) {
  return { operation: "UpdateItem", key: { id: { S: ctx.args.postId } } };
}

export const response = (ctx) => ctx.result;
