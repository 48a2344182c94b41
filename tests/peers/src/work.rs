//! The workload: groups, models and rules of three sizes, requests, and what each of these should get.
//! Always: the same for the same size; the expectation walks the rules and shares nothing with any engine.

use std::fmt::Write;

/// The operations that requests ask for, by the names that every engine gets.
pub const OPERATIONS: [&str; 5] = ["create", "get", "list", "update", "delete"];
/// What rules allow, and the operations (a bit each) that it stands for.
const WORDS: [(&str, u8); 4] = [("create", 1), ("read", 2 | 4), ("update", 8), ("delete", 16)];
const EVERY: u8 = 31;
const READ: u8 = 6;

pub const SIZES: [Size; 3] = [
    Size { name: "small", groups: 3, models: 5, rules: 4 },
    Size { name: "medium", groups: 50, models: 200, rules: 6 },
    Size { name: "large", groups: 10_000, models: 2_000, rules: 10 },
];

#[derive(Clone, Copy)]
pub struct Size {
    pub name: &'static str,
    groups: usize,
    models: usize,
    rules: usize,
}

impl Size {
    /// A policy of about so many rules, for building.
    pub fn of_rules(rules: usize) -> Size {
        Size { name: "building", groups: (rules / 2).clamp(3, 10_000), models: (rules / 10).max(1), rules: 10 }
    }
}

pub struct Rule {
    /// Numbers of groups.
    pub groups: Vec<usize>,
    pub operations: u8,
}

pub struct Model {
    pub name: String,
    pub rules: Vec<Rule>,
    /// What the owner of a record may do.
    pub owner: u8,
    /// What everybody signed in may do.
    pub signed_in: u8,
}

/// One request, as strings out of a token and a call.
pub struct Request {
    pub sub: String,
    pub groups: Vec<String>,
    pub model: String,
    /// Index in [`OPERATIONS`].
    pub operation: usize,
    /// The owner of the record, where there is one.
    pub owner: Option<String>,
    pub expected: bool,
}

impl Request {
    pub fn bit(&self) -> u8 {
        1 << self.operation
    }
}

pub struct Work {
    pub size: Size,
    pub groups: Vec<String>,
    pub models: Vec<Model>,
    pub requests: Vec<Request>,
}

/// A small generator of numbers (xorshift), so that no crate's update changes the workload.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.next()) * count as u128) >> 64) as usize
    }

    fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn distinct(&mut self, wanted: usize, below: usize) -> Vec<usize> {
        let mut all = Vec::new();
        while all.len() < wanted.min(below) {
            let one = self.below(below);
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all
    }

    fn operations(&mut self) -> u8 {
        let chosen = 1 + self.below(15);
        WORDS.iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1).fold(0, |all, (_, (_, bits))| all | bits)
    }

    fn sub(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-9{:03x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        )
    }
}

const TEAMS: [&str; 12] = [
    "admins",
    "editors",
    "readers",
    "auditors",
    "finance-eu",
    "support-level1",
    "support-level2",
    "sales-north",
    "sales-south",
    "engineers",
    "data-science",
    "legal",
];
const THINGS: [&str; 12] = [
    "Task", "Invoice", "Customer", "Order", "Delivery", "Ticket", "Comment", "Document", "Project", "Employee",
    "Payment", "Protocol",
];

/// The words that a set of operations stands for in rules.
pub fn words(operations: u8) -> impl Iterator<Item = &'static str> {
    WORDS.into_iter().filter(move |(_, bits)| operations & bits == *bits).map(|(word, _)| word)
}

/// The operations in a set.
pub fn names(operations: u8) -> impl Iterator<Item = &'static str> {
    (0..OPERATIONS.len()).filter(move |at| operations >> at & 1 == 1).map(|at| OPERATIONS[at])
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

impl Work {
    pub fn new(size: Size, requests: usize) -> Work {
        let mut dice = Dice(0x9E37_79B9 + size.groups as u64);
        let groups = (0..size.groups).map(|at| format!("{}-{at:04}", TEAMS[at % TEAMS.len()])).collect();
        let models = (0..size.models).map(|at| model(&mut dice, &size, at)).collect();
        let mut work = Work { size, groups, models, requests: Vec::new() };
        work.requests = (0..requests).map(|_| work.request(&mut dice)).collect();
        work
    }

    pub fn rules(&self) -> usize {
        let others = |model: &Model| usize::from(model.owner != 0) + usize::from(model.signed_in != 0);
        self.models.iter().map(|model| model.rules.len() + others(model)).sum()
    }

    /// About half of the requests are allowed; of the others half are near misses.
    fn request(&self, dice: &mut Dice) -> Request {
        let wanted = dice.percent(50);
        let mut request = self.any_request(dice, wanted);
        for _ in 0..1_000 {
            if request.expected == wanted {
                break;
            }
            request = self.any_request(dice, wanted);
        }
        request
    }

    fn any_request(&self, dice: &mut Dice, wanted: bool) -> Request {
        let model = &self.models[dice.below(self.models.len())];
        let rule = &model.rules[dice.below(model.rules.len())];
        let (mut operation, sub) = (dice.below(OPERATIONS.len()), dice.sub());
        let mut groups: Vec<String> = Vec::new();
        let (count, unknown) = (1 + dice.below(8), if self.groups.len() < 10 { 40 } else { 10 });
        while groups.len() < count {
            let name = match dice.percent(unknown) || groups.len() >= self.groups.len() {
                true => format!("{}-u{:04}", TEAMS[dice.below(TEAMS.len())], dice.below(5_000)),
                false => self.groups[dice.below(self.groups.len())].clone(),
            };
            if !groups.contains(&name) {
                groups.push(name);
            }
        }
        let owns = model.owner != 0 && dice.percent(if wanted { 30 } else { 15 });
        let owner = (model.owner != 0).then(|| if owns { sub.clone() } else { dice.sub() });
        let group = &self.groups[rule.groups[dice.below(rule.groups.len())]];
        if !owns && dice.percent(if wanted { 80 } else { 50 }) && !groups.contains(group) {
            let at = dice.below(groups.len());
            groups[at] = group.clone();
        }
        while wanted && !owns && rule.operations >> operation & 1 == 0 {
            operation = dice.below(OPERATIONS.len());
        }
        let ghost = !wanted && dice.percent(2);
        let name = if ghost { format!("Nothing{:04}", dice.below(9_999)) } else { model.name.clone() };
        let mut request = Request { sub, groups, model: name, operation, owner, expected: false };
        request.expected = self.expected(&request);
        request
    }

    /// What the rules say, read one by one.
    fn expected(&self, request: &Request) -> bool {
        let Some(model) = self.models.iter().find(|model| model.name == request.model) else { return false };
        let named = |rule: &Rule| rule.groups.iter().any(|group| request.groups.contains(&self.groups[*group]));
        model.signed_in & request.bit() != 0
            || (model.owner & request.bit() != 0 && request.owner.as_ref() == Some(&request.sub))
            || model.rules.iter().any(|rule| rule.operations & request.bit() != 0 && named(rule))
    }

    /// The policy as Admit reads it. The owner is the `sub` alone, as in every other engine here.
    pub fn policy(&self) -> String {
        self.files(self.models.len()).concat()
    }

    /// The policy in several files: the groups in the first, so many models in each.
    pub fn files(&self, models: usize) -> Vec<String> {
        let groups = list(self.groups.iter().map(String::as_str));
        let mut files = vec![format!("auth {{\n  loginWith: {{ email: true }}\n  groups: [{groups}]\n}}\n")];
        files.extend(self.models.chunks(models.max(1)).map(|models| self.text(models)));
        files
    }

    fn text(&self, models: &[Model]) -> String {
        let mut out = String::new();
        for model in models {
            let field = if model.owner != 0 { "  owner: string\n" } else { "" };
            let _ = writeln!(out, "model {} {{\n{field}  text: string", model.name);
            for rule in &model.rules {
                let groups = list(rule.groups.iter().map(|group| self.groups[*group].as_str()));
                let _ = writeln!(out, "  allow.groups([{groups}]).to([{}])", list(words(rule.operations)));
            }
            if model.owner != 0 {
                let words = list(words(model.owner));
                let _ = writeln!(out, "  allow.owner().identityClaim(\"sub\").to([{words}])");
            }
            if model.signed_in != 0 {
                let _ = writeln!(out, "  allow.authenticated().to([{}])", list(words(model.signed_in)));
            }
            out.push_str("}\n");
        }
        out
    }
}

fn model(dice: &mut Dice, size: &Size, at: usize) -> Model {
    let rules = (0..size.rules)
        .map(|_| {
            let count = 1 + dice.below(4);
            Rule { groups: dice.distinct(count, size.groups), operations: dice.operations() }
        })
        .collect();
    let owner = match at % 4 {
        0 if dice.percent(50) => EVERY,
        0 => dice.operations(),
        _ => 0,
    };
    Model {
        name: format!("{}{at:04}", THINGS[at % THINGS.len()]),
        rules,
        owner,
        signed_in: if at % 8 == 1 { READ } else { 0 },
    }
}
