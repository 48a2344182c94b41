//! cedar-policy in three encodings: as one writes it (a permit a rule and group), with the grants as data of the models
//! (seven permits in all), and with a policy set a model that the caller picks.
//! Always: entities and request are built from strings inside the timed decision, as a host must.

use crate::work::{OPERATIONS, Request, Work, names};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet,
    RestrictedExpression,
};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

pub struct Cedar {
    types: Types,
    authorizer: Authorizer,
    encoding: Encoding,
}

enum Encoding {
    Permits(PolicySet),
    Data { permits: PolicySet, models: HashMap<String, Entity> },
    Sliced(HashMap<String, PolicySet>),
}

struct Types {
    user: EntityTypeName,
    group: EntityTypeName,
    model: EntityTypeName,
    actions: Vec<EntityUid>,
}

fn kind(name: &str) -> EntityTypeName {
    name.parse().expect("a name")
}

fn uid(kind: &EntityTypeName, name: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(name))
}

fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

fn action_list(operations: u8) -> String {
    let actions: Vec<String> = names(operations).map(|name| format!("Action::\"{name}\"")).collect();
    format!("action in [{}]", actions.join(", "))
}

/// A permit a rule and group.
pub fn permits(work: &Work) -> String {
    let mut out = String::new();
    for model in &work.models {
        let resource = format!("resource == Model::\"{}\"", model.name);
        for rule in &model.rules {
            for group in &rule.groups {
                let (group, actions) = (&work.groups[*group], action_list(rule.operations));
                out += &format!("permit(principal in Group::\"{group}\", {actions}, {resource});\n");
            }
        }
        if model.owner != 0 {
            let actions = action_list(model.owner);
            out += &format!("permit(principal, {actions}, {resource}) when {{ principal.sub == resource.owner }};\n");
        }
        if model.signed_in != 0 {
            out += &format!("permit(principal is User, {}, {resource});\n", action_list(model.signed_in));
        }
    }
    out
}

/// The one permit of each model, by the model's name.
fn slices(work: &Work) -> impl Iterator<Item = (&str, String)> {
    work.models.iter().map(|model| {
        let any = |operations: u8| {
            let tests: Vec<String> = names(operations).map(|name| format!("action == Action::\"{name}\"")).collect();
            format!("({})", tests.join(" || "))
        };
        let mut terms = Vec::new();
        for rule in &model.rules {
            let groups = rule.groups.iter().map(|group| format!("principal in Group::\"{}\"", work.groups[*group]));
            terms.push(format!("({} && ({}))", any(rule.operations), groups.collect::<Vec<_>>().join(" || ")));
        }
        if model.owner != 0 {
            terms.push(format!("({} && principal.sub == resource.owner)", any(model.owner)));
        }
        if model.signed_in != 0 {
            terms.push(any(model.signed_in));
        }
        (model.name.as_str(), format!("permit(principal, action, resource) when {{ {} }};", terms.join(" || ")))
    })
}

const DATA: &str = "
permit(principal, action == Action::\"create\", resource) when { principal.groups.containsAny(resource.create) };
permit(principal, action == Action::\"get\", resource) when { principal.groups.containsAny(resource.get) };
permit(principal, action == Action::\"list\", resource) when { principal.groups.containsAny(resource.list) };
permit(principal, action == Action::\"update\", resource) when { principal.groups.containsAny(resource.update) };
permit(principal, action == Action::\"delete\", resource) when { principal.groups.containsAny(resource.delete) };
permit(principal, action, resource)
  when { resource.owner.contains(action) && context has owner && principal.sub == context.owner };
permit(principal, action, resource) when { resource.signedIn.contains(action) };
";

/// The models as Cedar's entities, the grants in their attributes.
fn data(work: &Work) -> Value {
    let actions = |operations: u8| -> Value {
        names(operations).map(|name| json!({"__entity": {"type": "Action", "id": name}})).collect()
    };
    let entity = |model: &crate::work::Model| {
        let mut attributes = serde_json::Map::new();
        for (at, operation) in OPERATIONS.into_iter().enumerate() {
            let rules = model.rules.iter().filter(|rule| rule.operations >> at & 1 == 1);
            let groups: HashSet<&str> =
                rules.flat_map(|rule| &rule.groups).map(|group| work.groups[*group].as_str()).collect();
            attributes.insert(operation.into(), groups.into_iter().collect());
        }
        attributes.insert("owner".into(), actions(model.owner));
        attributes.insert("signedIn".into(), actions(model.signed_in));
        json!({"uid": {"type": "Model", "id": model.name}, "attrs": attributes, "parents": []})
    };
    work.models.iter().map(entity).collect()
}

impl Cedar {
    pub fn idiomatic(work: &Work) -> Cedar {
        Cedar::with(Encoding::Permits(permits(work).parse().expect("permits")))
    }

    pub fn data(work: &Work) -> Cedar {
        let entities = Entities::from_json_value(data(work), None).expect("entities");
        let models = entities.into_iter().map(|entity| (entity.uid().id().unescaped().to_owned(), entity)).collect();
        Cedar::with(Encoding::Data { permits: DATA.parse().expect("permits"), models })
    }

    pub fn sliced(work: &Work) -> Cedar {
        let slices = slices(work).map(|(name, text)| (name.to_owned(), text.parse().expect("a permit"))).collect();
        Cedar::with(Encoding::Sliced(slices))
    }

    fn with(encoding: Encoding) -> Cedar {
        let (user, group, model, action) = (kind("User"), kind("Group"), kind("Model"), kind("Action"));
        let actions = OPERATIONS.iter().map(|name| uid(&action, name)).collect();
        Cedar { types: Types { user, group, model, actions }, authorizer: Authorizer::new(), encoding }
    }

    pub fn allows(&self, request: &Request) -> bool {
        let (user, model) = (uid(&self.types.user, &request.sub), uid(&self.types.model, &request.model));
        let mut attributes = HashMap::from([("sub".to_owned(), text(&request.sub))]);
        let mut parents = HashSet::new();
        let mut context = Context::empty();
        let (permits, resource) = match &self.encoding {
            Encoding::Data { permits, models } => {
                let groups = request.groups.iter().map(|group| text(group));
                attributes.insert("groups".to_owned(), RestrictedExpression::new_set(groups));
                if let Some(owner) = &request.owner {
                    context = Context::from_pairs([("owner".to_owned(), text(owner))]).expect("a context");
                }
                let Some(model) = models.get(&request.model) else { return false };
                (permits, model.clone())
            }
            Encoding::Permits(permits) => (permits, self.record(request, &model)),
            Encoding::Sliced(slices) => {
                let Some(permits) = slices.get(&request.model) else { return false };
                (permits, self.record(request, &model))
            }
        };
        if !matches!(self.encoding, Encoding::Data { .. }) {
            parents = request.groups.iter().map(|group| uid(&self.types.group, group)).collect();
        }
        let principal = Entity::new(user.clone(), attributes, parents).expect("a user");
        let entities = Entities::from_entities([principal, resource], None).expect("two entities");
        let action = self.types.actions[request.operation].clone();
        let asked = cedar_policy::Request::new(user, action, model, context, None).expect("a request");
        self.authorizer.is_authorized(&asked, permits, &entities).decision() == Decision::Allow
    }

    fn record(&self, request: &Request, model: &EntityUid) -> Entity {
        let owner = request.owner.iter().map(|owner| ("owner".to_owned(), text(owner)));
        Entity::new(model.clone(), owner.collect(), HashSet::new()).expect("a record")
    }
}
