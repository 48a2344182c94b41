//! From a checked policy to the rows of its decision table.
//! Always: the decision's rows depend on what the rules say and not on their order: every name, role and resource
//! is sorted before it gets a number. Only the rules section, for explanations, keeps the source's order.

use crate::matrix::{self, Dynamic, DynamicKind, Matrix, Role};
use crate::policy::{Bucket, DataFunction, Model, Path, Policy, Roles, Rule, Who};
use admit_runtime::format::{self, FUNCTIONS, NONE, U24, clause, field, scope, scope_of, who};
use admit_runtime::write::{Rows, TooLarge};
use admit_runtime::{Mode, Operations, Provider};
use admit_syntax::ast::OperationKind;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

mod special;

use special::{is_special, is_special_bucket, is_special_operation};

/// The table of a policy, with or (`strip`) without the rules as written.
///
/// # Errors
/// If a section would exceed 4 GiB, or there is more of something than the format numbers.
pub fn table(policy: &Policy, strip: bool) -> Result<Vec<u8>, TooLarge> {
    // The checker reports both with a place; a policy made otherwise must not come to a table that means another.
    let wide = |model: &Model| model.fields.len() > usize::from(u16::MAX) && Matrix::of(model).classes.len() > 1 << 16;
    let classes = class_order(policy);
    if classes.len() > usize::from(u16::MAX) {
        return Err(TooLarge { section: format::Section::Sources });
    }
    if policy.models.iter().any(wide) {
        return Err(TooLarge { section: format::Section::Fields });
    }
    let mut lowering = Lowering::new(policy, &classes);
    lowering.models();
    lowering.customs();
    lowering.buckets();
    lowering.group_settings();
    if !strip {
        lowering.rules();
    }
    if lowering.rows.longest_condition > format::MAX_STEPS as usize {
        return Err(TooLarge { section: format::Section::Code });
    }
    lowering.into_rows()?.to_bytes()
}

/// A class before it has a number: provider (2 for functions), claim, name.
type ClassKey<'p> = (u32, &'p str, &'p str);

/// A source, by provider and claim, and the numbers of its classes by name.
type SourceClasses<'p> = ((u32, &'p str), HashMap<&'p str, u16>);

/// A run of cells: classes, ascending, and their operations.
type Cells = Vec<(u16, u8)>;

struct Lowering<'p> {
    policy: &'p Policy,
    rows: Rows,
    /// The numbers of the strings that nothing looks up.
    texts: HashMap<String, u32>,
    field_names: HashMap<String, u32>,
    classes: Vec<SourceClasses<'p>>,
    /// The heads that are no models'; they stand behind those that are.
    heads: Vec<format::Head>,
    head_runs: HashMap<Vec<format::Head>, u32>,
    commons: HashMap<format::Common, u32>,
    cell_runs: HashMap<Cells, (u32, u8)>,
    clause_runs: HashMap<Vec<format::Clause>, u32>,
    pages: HashMap<format::Page, u16>,
    /// There are so few classes that all cells of a head fit into one grid.
    has_grids: bool,
    parts: HashMap<Vec<u32>, u32>,
    shapes: HashMap<(Vec<format::Field>, u32, u8), u32>,
    models: Vec<&'p Model>,
    customs: Vec<&'p crate::policy::CustomOperation>,
    /// By bucket and path, in the policy's order: the number of the path's node.
    nodes: HashMap<(usize, usize), u32>,
    rule_strings: HashMap<String, u32>,
    special: special::Numbers,
}

/// What the callers of each mode, each class and each dynamic role have on one resource.
#[derive(Default)]
struct Openings {
    everyone: BTreeMap<Mode, Operations>,
    classes: BTreeMap<u16, Operations>,
    /// With the operations on some field, for a model as a whole.
    dynamic: BTreeMap<Dynamic, (Operations, Operations)>,
    shown: Operations,
    gate: u8,
}

impl<'p> Lowering<'p> {
    fn new(policy: &'p Policy, classes: &[ClassKey<'p>]) -> Lowering<'p> {
        let mut models: Vec<&Model> = policy.models.iter().collect();
        models.sort_by(|a, b| a.name.cmp(&b.name));
        let mut customs: Vec<_> = policy.operations.iter().collect();
        customs.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        let mut lowering = Lowering {
            policy,
            rows: Rows { preferred: policy.roles == Roles::Preferred, modes: modes(policy), ..Rows::default() },
            texts: HashMap::new(),
            field_names: HashMap::new(),
            classes: Vec::new(),
            heads: Vec::new(),
            head_runs: HashMap::new(),
            commons: HashMap::new(),
            cell_runs: HashMap::new(),
            clause_runs: HashMap::new(),
            pages: HashMap::new(),
            has_grids: classes.len() <= format::GRID_CLASSES as usize,
            parts: HashMap::new(),
            shapes: HashMap::new(),
            models,
            customs,
            nodes: HashMap::new(),
            rule_strings: HashMap::new(),
            special: special::Numbers::default(),
        };
        lowering.number_names(classes);
        lowering.number_texts(classes);
        lowering.number_classes(classes);
        lowering.number_acting();
        lowering.number_whos();
        lowering
    }

    /// The names that requests look up, scope by scope.
    fn number_names(&mut self, classes: &[ClassKey<'p>]) {
        let named = |scope: u32, name: &str| (scope, name.to_owned());
        let mut names: Vec<(u32, String)> =
            self.models.iter().map(|model| named(scope_of::MODEL, &model.name)).collect();
        let buckets: BTreeSet<&str> = self.policy.buckets.iter().map(|bucket| bucket.name.as_str()).collect();
        names.extend(buckets.into_iter().map(|name| named(scope_of::BUCKET, name)));
        let fields: BTreeSet<&str> = self.policy.models.iter().flat_map(|model| columns(model).into_keys()).collect();
        self.field_names = fields.iter().map(|name| (*name).to_owned()).zip(names.len() as u32..).collect();
        self.rows.field_names = fields.len() as u32;
        names.extend(fields.into_iter().map(|name| named(scope_of::FIELD, name)));
        names.extend(self.customs.iter().map(|custom| named(scope_of::CUSTOM + custom.kind as u32, &custom.name)));
        let mut source = scope_of::CLASS;
        for (at, class) in classes.iter().enumerate() {
            source += u32::from(at > 0 && (class.0, class.1) != (classes[at - 1].0, classes[at - 1].1));
            names.push(named(source, class.2));
        }
        self.rows.names = names;
        self.rows.groups = self.policy.groups.len() as u32;
    }

    fn number_texts(&mut self, classes: &[ClassKey<'p>]) {
        let mut texts: BTreeSet<&str> = BTreeSet::from([self.policy.group_claim.as_str()]);
        texts.extend(classes.iter().filter(|(provider, ..)| *provider != FUNCTIONS).map(|(_, claim, _)| *claim));
        for rule in self.policy.rules().chain(self.policy.denies()) {
            texts.extend(rule.whos().flat_map(who_names));
            texts.extend(special::guard_names(rule));
        }
        texts.extend(self.policy.groups.iter().filter_map(|group| group.role.as_deref()));
        for bucket in &self.policy.buckets {
            texts.extend(bucket.paths.iter().map(|path| path.prefix.as_str()));
            texts.extend(bucket.paths.iter().flat_map(|path| &path.claims).map(|(_, claim)| claim.as_str()));
        }
        self.rows.texts = texts.into_iter().map(str::to_owned).collect();
        self.texts = self.rows.texts.iter().cloned().zip(self.rows.names.len() as u32..).collect();
        self.rows.group_claim = self.text(&self.policy.group_claim);
    }

    /// What the groups are on AWS, where it is not what their places say.
    fn group_settings(&mut self) {
        for (group, of) in (0..).zip(&self.policy.groups) {
            if of.precedence != group || of.role.is_some() {
                let role = of.role.as_ref().map_or(NONE, |arn| self.text(arn));
                self.rows.group_settings.push(format::GroupSetting { group, precedence: of.precedence, role });
            }
        }
    }

    fn text(&self, text: &str) -> u32 {
        self.texts[text]
    }

    fn number_classes(&mut self, keys: &[ClassKey<'p>]) {
        for (number, (provider, claim, name)) in keys.iter().enumerate() {
            let source = (*provider, *claim);
            if self.classes.last().is_none_or(|(last, _)| *last != source) {
                let claim = if *provider == FUNCTIONS { NONE } else { self.text(claim) };
                self.rows.sources.push(format::Source { provider: *provider, claim, first: number as u32, count: 0 });
                self.classes.push((source, HashMap::new()));
            }
            if let (Some(source), Some((_, classes))) = (self.rows.sources.last_mut(), self.classes.last_mut()) {
                source.count += 1;
                classes.insert(name, number as u16); // at most u16::MAX: a limit that the checker enforces
            }
        }
    }

    /// Which groups act as which, and which nobody may hold together.
    fn number_acting(&mut self) {
        let class = |name: &str| self.group_class(Provider::UserPools, &self.policy.group_claim, name);
        let acting = self.policy.groups.iter().flat_map(|group| {
            let others = group.acts_as.iter().map(|other| class(other));
            others.map(|other| format::Acting { class: class(&group.name), other })
        });
        let mut acting: Vec<format::Acting> = acting.collect();
        acting.sort();
        let mut lists: Vec<BTreeSet<u16>> =
            self.policy.exclusive.iter().map(|list| list.iter().map(|name| class(name)).collect()).collect();
        lists.sort();
        lists.dedup();
        let exclusive = (0..).zip(&lists).flat_map(|(list, classes)| {
            classes.iter().map(move |class| format::Exclusive { list, class: u32::from(*class) })
        });
        (self.rows.exclusive, self.rows.acting) = (exclusive.collect(), acting);
    }

    fn group_class(&self, provider: Provider, claim: &str, name: &str) -> u16 {
        self.class((provider as u32, claim), name)
    }

    fn function_class(&self, name: &str) -> u16 {
        self.class((FUNCTIONS, ""), name)
    }

    /// There are few sources, and a policy asks for its own classes only.
    fn class(&self, of: (u32, &str), name: &str) -> u16 {
        let source = self.classes.iter().position(|(source, _)| *source == of);
        source.and_then(|source| self.classes[source].1.get(name)).copied().unwrap_or(u16::MAX)
    }

    fn models(&mut self) {
        for model in self.models.clone() {
            let number = self.rows.heads.len() as u32;
            let (class_of, mut whole, mut classes) = match is_special(model) {
                true => {
                    let (class_of, classes) = self.special_model(model, number);
                    let functions: Vec<Openings> = (0..classes).map(|_| self.functions_on_models()).collect();
                    (class_of, self.special_whole(model), functions)
                }
                false => {
                    let matrix = Matrix::of(model);
                    let classes = (0..matrix.classes.len()).map(|class| self.field_class(&matrix, class)).collect();
                    let whole = self.whole(&matrix);
                    (matrix.class_of, whole, classes)
                }
            };
            let class_count = classes.len() as u32;
            if let [class] = classes.as_mut_slice() {
                // Each reads what the other leaves empty, so that the two are often one.
                (class.gate, whole.shown) = (whole.gate, class.shown);
            }
            let whole = self.head(whole);
            let classes: Vec<format::Head> = classes.into_iter().map(|class| self.head(class)).collect();
            self.rows.heads.push(whole);
            let shape = self.shape(model, &class_of, class_count);
            let heads = if classes == [whole] { number } else { self.head_run(classes) };
            self.rows.models.push(format::Model { shape: U24::new(shape), heads: U24::new(heads) });
        }
    }

    /// The number of a run of heads; equal runs are one.
    fn head_run(&mut self, heads: Vec<format::Head>) -> u32 {
        if let Some(number) = self.head_runs.get(&heads) {
            return *number;
        }
        let number = self.next_head();
        self.heads.extend_from_slice(&heads);
        self.head_runs.insert(heads, number);
        number
    }

    fn next_head(&self) -> u32 {
        (self.models.len() + self.heads.len()) as u32
    }

    fn shape(&mut self, model: &Model, class_of: &[usize], classes: u32) -> u32 {
        let columns = self.columns(model, class_of);
        let next = self.rows.shapes.len() as u32;
        let shape = *self.shapes.entry((columns.clone(), classes, model.disabled.0)).or_insert(next);
        if shape == next {
            self.rows.shapes.push(format::Shape {
                fields: self.rows.fields.len() as u32,
                field_count: columns.len() as u32,
                classes,
                disabled: u32::from(model.disabled.0),
            });
            self.rows.fields.extend(columns);
        }
        shape
    }

    fn columns(&self, model: &Model, class_of: &[usize]) -> Vec<format::Field> {
        let class: HashMap<&str, usize> =
            model.fields.iter().map(|field| field.name.as_str()).zip(class_of.iter().copied()).collect();
        columns(model)
            .into_iter()
            .map(|(name, flags)| {
                let class = class.get(name).copied().unwrap_or(0) as u16;
                format::Field { name: self.field_names[name], class, flags }
            })
            .collect()
    }

    /// A model as a whole: reads that a role has on some field, writes that it has on every field.
    fn whole(&self, matrix: &Matrix) -> Openings {
        let mut openings = self.functions_on_models();
        for (role, by_class) in &matrix.roles {
            let some = matrix::some(by_class);
            let writes = matrix::every(by_class).without(Operations::READ);
            self.add(&mut openings, role, some.both(Operations::READ).with(writes), some);
        }
        openings.gate = self.update_gate(matrix);
        openings
    }

    /// Whose updates get as far as the rules.
    fn update_gate(&self, matrix: &Matrix) -> u8 {
        let modes = [Mode::UserPool, Mode::Oidc, Mode::ApiKey, Mode::Lambda].into_iter();
        let admitted = modes.filter(|mode| matrix.admits_updates_of(*mode, self.policy.default_mode));
        admitted.fold(0, |gate, mode| gate | 1 << mode as u8)
    }

    fn field_class(&self, matrix: &Matrix, class: usize) -> Openings {
        let mut openings = Openings { shown: matrix.open(class), ..self.functions_on_models() };
        for (role, by_class) in matrix.roles.iter().filter(|(role, _)| matrix.classes[class].contains_key(role)) {
            let operations = matrix::shown(by_class, class);
            self.add(&mut openings, role, operations, operations);
        }
        openings
    }

    fn add(&self, openings: &mut Openings, role: &Role, operations: Operations, some: Operations) {
        match role {
            Role::Dynamic(dynamic) => {
                openings.dynamic.insert(dynamic.clone(), (operations, some));
            }
            Role::Everyone(mode) => {
                openings.everyone.insert(*mode, operations);
            }
            Role::Group { provider, claim, name } if !operations.is_empty() => {
                openings.classes.insert(self.group_class(*provider, claim, name), operations);
            }
            Role::Group { .. } => (),
        }
    }

    fn functions_on_models(&self) -> Openings {
        self.functions(|function| {
            let when = |given: bool, operations: Operations| if given { operations } else { Operations::NONE };
            let writes = Operations::CREATE.with(Operations::UPDATE).with(Operations::DELETE);
            when(function.query, Operations::READ.without(Operations::LISTEN))
                .with(when(function.mutate, writes))
                .with(when(function.listen, Operations::LISTEN))
        })
    }

    fn functions(&self, operations: impl Fn(&DataFunction) -> Operations) -> Openings {
        let mut openings = Openings::default();
        for function in &self.policy.data_functions {
            let operations = operations(function);
            if !operations.is_empty() {
                let entry = openings.classes.entry(self.function_class(&function.function)).or_default();
                *entry = entry.with(operations);
            }
        }
        openings
    }

    fn customs(&mut self) {
        for custom in self.customs.clone() {
            let mut openings = self.functions(|function| {
                let may = match custom.kind {
                    OperationKind::Query => function.query,
                    OperationKind::Mutation => function.mutate,
                    OperationKind::Subscription => function.listen,
                };
                if may { Operations::CALL } else { Operations::NONE }
            });
            let is_special = is_special_operation(custom);
            if is_special {
                openings.gate = format::SPECIAL;
            } else {
                for (role, operations) in matrix::operations(&custom.rules) {
                    self.add(&mut openings, &role, operations, operations);
                }
            }
            let head = self.resource(openings);
            if is_special {
                self.special_operation(custom, head);
            }
            self.rows.customs.push(format::Custom { kind: custom.kind as u32, head });
        }
    }

    /// The number of a head of its own.
    fn resource(&mut self, openings: Openings) -> u32 {
        let number = self.next_head();
        let head = self.head(openings);
        self.heads.push(head);
        number
    }

    fn head(&mut self, openings: Openings) -> format::Head {
        let everyone = |mode: Mode| openings.everyone.get(&mode).map_or(0, |operations| operations.0);
        let clauses: Vec<format::Clause> = openings
            .dynamic
            .iter()
            .map(|(dynamic, (operations, some))| self.clause(dynamic, *operations, *some))
            .collect();
        let clause_count = clauses.len() as u32;
        let common = format::Common {
            user_pool: everyone(Mode::UserPool),
            oidc: everyone(Mode::Oidc),
            api_key: everyone(Mode::ApiKey),
            guest: everyone(Mode::Guest),
            identity_pool: everyone(Mode::IdentityPool),
            lambda: everyone(Mode::Lambda),
            shown: openings.shown.0,
            gate: openings.gate,
            clauses: self.clause_run(clauses),
            clause_count,
        };
        let next = self.rows.common.len() as u32;
        let number = *self.commons.entry(common).or_insert(next);
        if number == next {
            self.rows.common.push(common);
        }
        let (cells, count) =
            self.cells(openings.classes.into_iter().map(|(class, operations)| (class, operations.0)).collect());
        format::Head { cells: U24::new(cells), count, common: U24::new(number), sieve: 0 } // `to_bytes` refuses more
    }

    /// The first of a run of clauses; equal runs are one, and an empty one begins at 0.
    fn clause_run(&mut self, clauses: Vec<format::Clause>) -> u32 {
        let next = if clauses.is_empty() { 0 } else { self.rows.clauses.len() as u32 };
        match self.clause_runs.entry(clauses) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.rows.clauses.extend_from_slice(new.key());
                *new.insert(next)
            }
        }
    }

    /// A run of cells, as a head says it; equal runs are one.
    fn cells(&mut self, cells: Cells) -> (u32, u8) {
        if cells.is_empty() {
            return (0, 0);
        }
        if let Some(known) = self.cell_runs.get(&cells) {
            return *known;
        }
        let run = if self.has_grids {
            let mut rows = [0; 8];
            for (class, operations) in &cells {
                rows.iter_mut().zip(0..).for_each(|(row, bit)| *row |= u64::from(operations >> bit & 1) << class);
            }
            self.rows.grids.push(format::Grid::of_rows(rows));
            (self.rows.grids.len() as u32 - 1, format::GRID)
        } else if cells.len() <= format::SHORT {
            (self.cell_run(&cells), cells.len() as u8)
        } else {
            let long = self.pages(&cells).unwrap_or_else(|| {
                let (first, count) = (self.cell_run(&cells), cells.len() as u32);
                format::Long { paged: 0, first, count }
            });
            self.rows.long.push(long);
            (self.rows.long.len() as u32 - 1, format::LONG)
        };
        self.cell_runs.insert(cells, run);
        run
    }

    fn cell_run(&mut self, cells: &Cells) -> u32 {
        let first = self.rows.cell_classes.len() as u32;
        self.rows.cell_classes.extend(cells.iter().map(|(class, _)| class));
        self.rows.cell_operations.extend(cells.iter().map(|(_, operations)| operations));
        first
    }

    /// A long run as pages, if these take fewer bytes than its cells and their numbers suffice.
    fn pages(&mut self, cells: &Cells) -> Option<format::Long> {
        let blocks = cells.last().map_or(0, |(class, _)| usize::from(*class) / format::PAGE + 1);
        let mut pages = vec![format::Page::default(); blocks];
        for (class, operations) in cells {
            pages[usize::from(*class) / format::PAGE].0[usize::from(*class) % format::PAGE] = *operations;
        }
        let new: HashSet<&format::Page> = pages.iter().filter(|page| !self.pages.contains_key(page)).collect();
        let bytes = 2 * blocks + format::PAGE * new.len();
        if bytes >= 3 * cells.len() || self.pages.len() + new.len() > usize::from(u16::MAX) {
            return None;
        }
        let first = self.rows.page_numbers.len() as u32;
        for page in pages {
            let next = self.pages.len() as u16;
            let number = *self.pages.entry(page).or_insert(next);
            if number == next {
                self.rows.pages.push(page);
            }
            self.rows.page_numbers.push(number);
        }
        Some(format::Long { paged: 1, first, count: blocks as u32 })
    }

    /// The rows, with the heads in one row.
    fn into_rows(self) -> Result<Rows, TooLarge> {
        let mut rows = self.rows;
        rows.heads.extend(self.heads);
        let mut strings: Vec<(String, u32)> = self.rule_strings.into_iter().collect();
        strings.sort_unstable_by_key(|(_, number)| *number);
        rows.rule_strings = strings.into_iter().map(|(string, _)| string).collect();
        match u32::try_from(rows.heads.len()) {
            Ok(_) => Ok(rows),
            Err(_) => Err(TooLarge { section: format::Section::Heads }),
        }
    }

    fn clause(&mut self, dynamic: &Dynamic, operations: Operations, some: Operations) -> format::Clause {
        let (first, part_count) = self.parts_of(dynamic);
        let kind = match (dynamic.kind, dynamic.list) {
            (DynamicKind::Owner, false) => clause::OWNER,
            (DynamicKind::Owner, true) => clause::OWNERS,
            (DynamicKind::Group, false) => clause::GROUP,
            (DynamicKind::Group, true) => clause::GROUPS,
        };
        format::Clause {
            operations: operations.0,
            any: some.0,
            kind,
            provider: dynamic.provider as u8,
            field: self.text(&dynamic.field),
            parts: first,
            part_count,
        }
    }

    /// The run of the parts of an identity claim, or of the group claim.
    fn parts_of(&mut self, dynamic: &Dynamic) -> (u32, u32) {
        let parts: Vec<u32> = dynamic.claim.iter().map(|part| self.text(part)).collect();
        let count = parts.len() as u32;
        let next = self.rows.parts.len() as u32;
        let first = *self.parts.entry(parts.clone()).or_insert(next);
        if first == next {
            self.rows.parts.extend(parts);
        }
        (first, count)
    }
}

/// Storage.
impl Lowering<'_> {
    fn buckets(&mut self) {
        let mut order: Vec<(usize, &Bucket)> = self.policy.buckets.iter().enumerate().collect();
        order.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
        for (number, bucket) in order {
            let nodes = self.rows.nodes.len() as u32;
            self.paths(number, bucket);
            let node_count = self.rows.nodes.len() as u32 - nodes;
            self.rows.buckets.push(format::Bucket { nodes, node_count });
        }
    }

    fn paths(&mut self, bucket: usize, of: &Bucket) {
        let mut order: Vec<(usize, &Path)> = of.paths.iter().enumerate().collect();
        order.sort_by(|(_, a), (_, b)| a.prefix.cmp(&b.prefix));
        // Then each path is judged by itself, and the plain rows admit nobody.
        let is_special = is_special_bucket(of);
        // The paths above the current one, with what they come to, deepest last.
        let mut above: Vec<(&Path, u32, Folded)> = Vec::new();
        for (at, path) in order {
            while above.last().is_some_and(|(parent, ..)| !path.prefix.starts_with(&parent.prefix)) {
                above.pop();
            }
            let parent = above.last().map_or(NONE, |(_, number, _)| *number);
            let folded = match is_special {
                true => Folded { everyone: Some(Grants::new()), ..Folded::default() },
                false => {
                    Folded::of(self.policy, path, &above.last().map_or_else(Folded::default, |(.., of)| of.clone()))
                }
            };
            if is_special {
                self.place(self.rows.buckets.len() as u32, path);
            }
            let everyone = folded.everyone.clone().map_or(NONE, |grants| self.storage_resource(&grants));
            let mine = folded.mine.clone().map_or(NONE, |grants| self.storage_resource(&grants));
            let number = self.rows.nodes.len() as u32;
            self.rows.nodes.push(format::Node { prefix: self.text(&path.prefix), parent, everyone, mine });
            self.nodes.insert((bucket, at), number);
            above.push((path, number, folded));
        }
    }

    fn storage_resource(&mut self, grants: &Grants) -> u32 {
        let mut openings = Openings::default();
        for (role, operations) in grants.iter().filter(|(_, operations)| !operations.is_empty()) {
            match role {
                StorageRole::Guest => openings.everyone.insert(Mode::Guest, *operations),
                StorageRole::Authenticated => openings.everyone.insert(Mode::IdentityPool, *operations),
                StorageRole::Group(name) => {
                    let class = self.group_class(Provider::UserPools, &self.policy.group_claim, name);
                    openings.classes.insert(class, *operations)
                }
                StorageRole::Function(name) => openings.classes.insert(self.function_class(name), *operations),
            };
        }
        self.resource(openings)
    }
}

/// A role of the identity pool, or a function's.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum StorageRole {
    Guest,
    /// `authenticated` and `entity` are one role.
    Authenticated,
    Group(String),
    Function(String),
}

type Grants = BTreeMap<StorageRole, Operations>;

/// What a path comes to once what stands above it is taken in (`semantics.md` §11.3): a role that some path above
/// admits to an operation keeps it here only if it is admitted all the way down.
#[derive(Clone, Default)]
struct Folded {
    /// Keys in anybody's folder; none if only `entity` has rules here.
    everyone: Option<Grants>,
    /// Keys in the caller's own folder.
    mine: Option<Grants>,
    /// What each role is granted by some path so far.
    granted: Grants,
    /// What each role has under the deepest path so far.
    open: Grants,
}

impl Folded {
    fn of(policy: &Policy, path: &Path, above: &Folded) -> Folded {
        let entity = |rule: &&Rule| rule.who == Who::Entity;
        let here = grants(policy, path.rules.iter().filter(|rule| !entity(rule)));
        let own = grants(policy, path.rules.iter().filter(entity));
        let mut folded = Folded { everyone: None, mine: None, ..above.clone() };
        if !here.is_empty() {
            folded.open = above.narrowed(&here);
            folded.everyone = Some(folded.open.clone());
            merge(&mut folded.granted, &here);
        }
        if !own.is_empty() {
            let mut mine = folded.open.clone();
            merge(&mut mine, &above.narrowed(&own));
            folded.mine = Some(mine);
        }
        folded
    }

    /// Of what a path grants, what no path above takes away.
    fn narrowed(&self, grants: &Grants) -> Grants {
        let of = |all: &Grants, role: &StorageRole| all.get(role).copied().unwrap_or_default();
        grants
            .iter()
            .map(|(role, operations)| {
                let taken = of(&self.granted, role).without(of(&self.open, role));
                (role.clone(), operations.without(taken))
            })
            .collect()
    }
}

fn grants<'r>(policy: &Policy, rules: impl Iterator<Item = &'r Rule>) -> Grants {
    let mut all = Grants::new();
    for rule in rules {
        let roles: Vec<StorageRole> = match &rule.who {
            Who::Guest => vec![StorageRole::Guest],
            Who::Authenticated(_) | Who::Entity => vec![StorageRole::Authenticated],
            Who::Groups { names, .. } => {
                policy.counting_as(names).map(|name| StorageRole::Group(name.to_owned())).collect()
            }
            Who::Function(name) => vec![StorageRole::Function(name.clone())],
            _ => Vec::new(),
        };
        merge(&mut all, &roles.into_iter().map(|role| (role, rule.operations)).collect());
    }
    all
}

fn merge(all: &mut Grants, more: &Grants) {
    for (role, operations) in more {
        let entry = all.entry(role.clone()).or_default();
        *entry = entry.with(*operations);
    }
}

/// The rules as written.
impl Lowering<'_> {
    fn rules(&mut self) {
        let count = self.policy.rules().chain(self.policy.denies()).count() + self.policy.data_functions.len();
        let mut all: Vec<Written> = Vec::with_capacity(count);
        for (number, model) in (0..).zip(&self.models) {
            let of = Written::on(scope::MODEL, number, is_special(model));
            all.extend(of.each(&model.rules, &model.denies));
            for field in &model.fields {
                let name = Some(field.name.as_str());
                let of = Written { kind: scope::FIELD, field: name, ..of };
                all.extend(of.each(&field.rules, &field.denies));
            }
        }
        for (number, custom) in (0..).zip(&self.customs) {
            let of = Written::on(scope::CUSTOM, number, is_special_operation(custom));
            all.extend(of.each(&custom.rules, &custom.denies));
        }
        for (bucket, of) in self.policy.buckets.iter().enumerate() {
            for (at, path) in of.paths.iter().enumerate() {
                let node = self.nodes[&(bucket, at)];
                let of = Written::on(scope::PATH, node, is_special_bucket(of));
                all.extend(of.each(&path.rules, &path.denies));
            }
        }
        let functions: Vec<Rule> = self.policy.data_functions.iter().map(data_rule).collect();
        all.extend(Written::on(scope::DATA, NONE, false).each(&functions, &[]));
        all.sort_by_key(|of| (of.rule.map(|rule| rule.place), of.kind, of.scope, of.field));
        self.rows.rules.reserve_exact(all.len());
        for of in all {
            let Some(rule) = of.rule else { continue };
            let row = self.rule(of.kind, of.scope, of.field, rule);
            let number = self.rows.rules.len() as u32;
            self.rows.rules.push(row);
            if of.is_special {
                self.rule_guard(rule, number, of.denies, of.kind == scope::PATH);
            }
        }
    }

    fn rule(&mut self, scope_kind: u8, scope: u32, field_scope: Option<&str>, rule: &Rule) -> format::Rule {
        let storage = scope_kind == scope::PATH;
        let pool = |mode: Mode| if storage { Mode::IdentityPool } else { mode };
        let (kind, mode, field, claim, names): (u8, Mode, Option<&str>, Option<String>, &[String]) = match &rule.who {
            Who::ApiKey => (who::API_KEY, Mode::ApiKey, None, None, &[]),
            Who::Guest => (who::GUEST, Mode::Guest, None, None, &[]),
            Who::Custom => (who::CUSTOM, Mode::Lambda, None, None, &[]),
            Who::Authenticated(mode) => (who::AUTHENTICATED, pool(*mode), None, None, &[]),
            Who::Groups { names, provider, claim } => {
                (who::GROUPS, pool(provider.mode()), None, self.group_claim(claim), names)
            }
            Who::Owner { field, list, provider, claim } => {
                let kind = if *list { who::OWNERS } else { who::OWNER };
                let claim = Some(claim.join("::")).filter(|claim| claim != "sub::username");
                (kind, provider.mode(), Some(field), claim, &[])
            }
            Who::GroupsIn { field, list, provider, claim } => {
                let kind = if *list { who::GROUPS_IN } else { who::GROUP_IN };
                (kind, provider.mode(), Some(field), self.group_claim(claim), &[])
            }
            Who::Entity => (who::ENTITY, Mode::IdentityPool, None, None, &[]),
            Who::Function(name) => (who::FUNCTION, Mode::Function, None, None, std::slice::from_ref(name)),
        };
        let first = self.rows.rule_parts.len() as u32;
        for name in names {
            let part = self.rule_string(name);
            self.rows.rule_parts.push(part);
        }
        let place = rule.place;
        format::Rule {
            scope_kind,
            who: kind,
            mode: mode as u8,
            operations: rule.operations.0,
            scope,
            field_scope: field_scope.map_or(NONE, |name| self.rule_string(name)),
            file: self.rule_string(&self.policy.files[place.file as usize]),
            line: place.line,
            start: place.span.start,
            end: place.span.end,
            field: field.map_or(NONE, |name| self.rule_string(name)),
            claim: claim.map_or(NONE, |claim| self.rule_string(&claim)),
            names: first,
            name_count: names.len() as u32,
        }
    }

    /// The claim, unless it is the one that a rule means anyway.
    fn group_claim(&self, claim: &str) -> Option<String> {
        (claim != self.policy.group_claim).then(|| claim.to_owned())
    }

    fn rule_string(&mut self, text: &str) -> u32 {
        if let Some(number) = self.rule_strings.get(text) {
            return *number;
        }
        let number = self.rule_strings.len() as u32;
        self.rule_strings.insert(text.to_owned(), number);
        number
    }
}

/// A rule as written, and where it stands.
#[derive(Clone, Copy)]
struct Written<'r> {
    kind: u8,
    scope: u32,
    field: Option<&'r str>,
    /// Of a resource whose rules are judged one by one.
    is_special: bool,
    denies: bool,
    rule: Option<&'r Rule>,
}

impl<'r> Written<'r> {
    fn on(kind: u8, scope: u32, is_special: bool) -> Written<'r> {
        Written { kind, scope, field: None, is_special, denies: false, rule: None }
    }

    fn each(self, rules: &'r [Rule], denies: &'r [Rule]) -> impl Iterator<Item = Written<'r>> + use<'r> {
        let allows = rules.iter().map(move |rule| Written { rule: Some(rule), ..self });
        allows.chain(denies.iter().map(move |rule| Written { rule: Some(rule), denies: true, ..self }))
    }
}

pub(crate) fn data_rule(function: &DataFunction) -> Rule {
    let when = |given: bool, operations: Operations| if given { operations } else { Operations::NONE };
    let writes = Operations::CREATE.with(Operations::UPDATE).with(Operations::DELETE);
    Rule {
        who: Who::Function(function.function.clone()),
        and: Vec::new(),
        condition: None,
        operations: when(function.query, Operations::READ.without(Operations::LISTEN))
            .with(when(function.mutate, writes))
            .with(when(function.listen, Operations::LISTEN)),
        place: function.place,
    }
}

fn intern<R: Copy + Eq + std::hash::Hash>(
    run: Vec<R>,
    known: &mut HashMap<Vec<R>, u32>,
    records: &mut Vec<R>,
    ends: &mut Vec<u32>,
) -> u32 {
    if let Some(number) = known.get(&run) {
        return *number;
    }
    let number = ends.len() as u32;
    records.extend_from_slice(&run);
    ends.push(records.len() as u32);
    known.insert(run, number);
    number
}

/// The modes that requests may arrive in, one bit each. Functions and IAM callers always may ask.
fn modes(policy: &Policy) -> u8 {
    let bit = |mode: Mode| 1u8 << mode as u8;
    let configured = policy.modes.iter().fold(bit(Mode::Function) | bit(Mode::Iam), |all, mode| all | bit(*mode));
    let pool = bit(Mode::UserPool) | bit(Mode::IdentityPool) | bit(Mode::Guest);
    let storage = if policy.buckets.is_empty() { 0 } else { pool };
    let guests = if configured & bit(Mode::IdentityPool) != 0 { bit(Mode::Guest) } else { 0 };
    configured | storage | guests
}

/// The classes in the order of their numbers: the user pool's own groups by precedence, then what else is read from that
/// claim, then the other claims, and the functions last.
fn class_order(policy: &Policy) -> Vec<ClassKey<'_>> {
    let precedence: HashMap<&str, usize> = policy.groups.iter().map(|group| group.name.as_str()).zip(0..).collect();
    let mut keys: Vec<ClassKey<'_>> = class_keys(policy).into_iter().collect();
    keys.sort_unstable_by_key(|(provider, claim, name)| {
        let pool = *provider == Provider::UserPools as u32 && *claim == policy.group_claim;
        let precedence = if pool { precedence.get(name).copied() } else { None };
        (*provider, !pool, *claim, precedence.unwrap_or(usize::MAX), *name)
    });
    keys
}

/// Every class that a rule names, and every group of the user pool.
fn class_keys(policy: &Policy) -> HashSet<ClassKey<'_>> {
    let pool = |name| (Provider::UserPools as u32, policy.group_claim.as_str(), name);
    let mut keys: HashSet<ClassKey<'_>> = policy.groups.iter().map(|group| pool(group.name.as_str())).collect();
    for who in policy.rules().chain(policy.denies()).flat_map(Rule::whos) {
        match who {
            Who::Groups { names, provider, claim } => {
                keys.extend(names.iter().map(|name| (*provider as u32, claim.as_str(), name.as_str())));
            }
            Who::Function(name) => {
                keys.insert((FUNCTIONS, "", name));
            }
            _ => (),
        }
    }
    keys.extend(policy.data_functions.iter().map(|rule| (FUNCTIONS, "", rule.function.as_str())));
    keys
}

/// The fields and claims that a who reads.
fn who_names(who: &Who) -> Vec<&str> {
    match who {
        Who::Owner { field, claim, .. } => claim.iter().map(String::as_str).chain([field.as_str()]).collect(),
        Who::GroupsIn { field, claim, .. } => vec![field, claim],
        _ => Vec::new(),
    }
}

/// Every field that clients may name, with its flags: the declared ones, the key, the time stamps and the fields
/// that owner rules imply.
fn columns(model: &Model) -> BTreeMap<&str, u16> {
    let mut columns: BTreeMap<&str, u16> = BTreeMap::from([("createdAt", 0), ("updatedAt", 0)]);
    let field_rules = model.fields.iter().flat_map(|field| &field.rules);
    for who in model.rules.iter().chain(field_rules).flat_map(Rule::whos) {
        if let Who::Owner { field, .. } = who {
            columns.insert(field, 0);
        }
    }
    columns.extend(model.identifier.iter().map(|name| (name.as_str(), field::KEY)));
    for declared in &model.fields {
        *columns.entry(&declared.name).or_default() |= field::DECLARED;
    }
    columns
}
