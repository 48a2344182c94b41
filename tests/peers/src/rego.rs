//! regorus, the quickest way: the grants as data, a policy of three rules, compiled for its bytecode machine.
//! Always: the input is built from strings inside the timed decision.

use crate::work::{OPERATIONS, Request, Work, names};
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::program::Program;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine, Value};
use serde_json::{Map, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const ENTRY: &str = "data.access.allow";
const POLICY: &str = "package access

default allow := false

allow if {
    some group in input.groups
    data.groups[input.model][input.operation][group]
}

allow if {
    data.owner[input.model][input.operation]
    input.sub == input.owner
}

allow if data.signed_in[input.model][input.operation]
";

/// One machine a thread; here one thread uses it.
pub struct Rego(Mutex<RegoVM>);

fn data(work: &Work) -> serde_json::Value {
    let set = |names: &mut dyn Iterator<Item = &str>| -> serde_json::Value {
        names.map(|name| (name.to_owned(), true.into())).collect::<Map<_, _>>().into()
    };
    let (mut groups, mut owner, mut signed_in) = (Map::new(), Map::new(), Map::new());
    for model in &work.models {
        let mut of_model = Map::new();
        for (at, operation) in OPERATIONS.into_iter().enumerate() {
            let rules = model.rules.iter().filter(|rule| rule.operations >> at & 1 == 1);
            let mut names = rules.flat_map(|rule| &rule.groups).map(|group| work.groups[*group].as_str());
            of_model.insert(operation.into(), set(&mut names));
        }
        groups.insert(model.name.clone(), of_model.into());
        owner.insert(model.name.clone(), set(&mut names(model.owner)));
        signed_in.insert(model.name.clone(), set(&mut names(model.signed_in)));
    }
    json!({"groups": groups, "owner": owner, "signed_in": signed_in})
}

impl Rego {
    pub fn new(work: &Work) -> Rego {
        let mut engine = Engine::new();
        engine.add_policy("access.rego".into(), POLICY.into()).expect("a policy");
        engine.add_data(Value::from_json_str(&data(work).to_string()).expect("data")).expect("data");
        let compiled = engine.compile_with_entrypoint(&ENTRY.into()).expect("it compiles");
        let program: Arc<Program> = Compiler::compile_from_policy(&compiled, &[ENTRY]).expect("it compiles");
        let mut machine = RegoVM::new();
        machine.load_program(program);
        machine.set_data(engine.get_data()).expect("data");
        machine.set_max_instructions(usize::MAX);
        Rego(Mutex::new(machine))
    }

    pub fn allows(&self, request: &Request) -> bool {
        let text = |text: &str| Value::from(text);
        let groups: Vec<Value> = request.groups.iter().map(|group| text(group)).collect();
        let mut input = BTreeMap::from([
            (text("sub"), text(&request.sub)),
            (text("groups"), Value::from(groups)),
            (text("model"), text(&request.model)),
            (text("operation"), text(OPERATIONS[request.operation])),
        ]);
        if let Some(owner) = &request.owner {
            input.insert(text("owner"), text(owner));
        }
        let mut machine = self.0.lock().expect("one thread");
        machine.set_input(Value::from(input));
        machine.execute().expect("it evaluates") == Value::Bool(true)
    }
}
