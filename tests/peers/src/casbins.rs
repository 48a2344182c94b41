//! casbin with the token's groups in the request and the most selective test first; and the same behind its cache of
//! results, every request of the workload already in it.

use crate::work::{OPERATIONS, Request, Work, names};
use casbin::function_map::{OperatorFunction, dynamic_to_str};
use casbin::{CachedApi, CachedEnforcer, CoreApi, DefaultCache, DefaultModel, Enforcer, StringAdapter};

const MODEL: &str = "[request_definition]
r = sub, groups, obj, act, owner
[policy_definition]
p = sub, obj, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.obj == p.obj && among(p.act, r.act) && (p.sub in r.groups || p.sub == \"@signed-in\" || (p.sub == \"@owner\" && r.sub == r.owner))
";

/// One line a rule and group, all operations of the rule in it.
fn lines(work: &Work) -> String {
    let mut out = String::new();
    for model in &work.models {
        let mut line = |who: &str, operations: u8| {
            let operations: Vec<&str> = names(operations).collect();
            out += &format!("p, {who}, {}, {}\n", model.name, operations.join("|"));
        };
        for rule in &model.rules {
            rule.groups.iter().for_each(|group| line(&work.groups[*group], rule.operations));
        }
        if model.owner != 0 {
            line("@owner", model.owner);
        }
        if model.signed_in != 0 {
            line("@signed-in", model.signed_in);
        }
    }
    out
}

fn among() -> OperatorFunction {
    OperatorFunction::Arg2(|all, one| dynamic_to_str(&all).split('|').any(|word| word == dynamic_to_str(&one)).into())
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

pub fn enforcer(work: &Work) -> Enforcer {
    wait(async {
        let model = DefaultModel::from_str(MODEL).await.expect("a model");
        let mut enforcer = Enforcer::new(model, StringAdapter::new(lines(work))).await.expect("a policy");
        enforcer.add_function("among", among());
        enforcer
    })
}

/// With room for every request.
pub fn cached(work: &Work) -> CachedEnforcer {
    wait(async {
        let model = DefaultModel::from_str(MODEL).await.expect("a model");
        let mut enforcer = CachedEnforcer::new(model, StringAdapter::new(lines(work))).await.expect("a policy");
        enforcer.add_function("among", among());
        enforcer.set_cache(Box::new(DefaultCache::new(4 * work.requests.len())));
        enforcer
    })
}

pub fn allows(enforcer: &impl CoreApi, request: &Request) -> bool {
    let owner = request.owner.as_deref().unwrap_or("");
    let asked = (&request.sub, &request.groups, &request.model, OPERATIONS[request.operation], owner);
    enforcer.enforce(asked).expect("it evaluates")
}
