export function request() {
  return { payload: null };
}

export const response = (ctx) => ctx.result;
