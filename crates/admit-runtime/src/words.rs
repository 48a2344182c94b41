//! The words that the compiler and the runtime share: modes, operations and the providers of a token.
//! Always: their numbers are part of the table format, so they never change without a new format version.

use crate::format::padded;

/// How a request arrived. A request carries exactly one, and rules of other modes do not count for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Mode {
    /// A user with a token of the user pool.
    UserPool = 0,
    /// A user with a token of another OpenID Connect issuer.
    Oidc = 1,
    /// Whoever has the API key.
    ApiKey = 2,
    /// Nobody signed in: the identity pool's unauthenticated role.
    Guest = 3,
    /// Signed in through the identity pool.
    IdentityPool = 4,
    /// The host's own authorizer has been, or is to be, asked (`allow.custom()`).
    Lambda = 5,
    /// A backend function, by name.
    Function = 6,
    /// Another IAM caller: denied unless the host trusts it.
    Iam = 7,
}

impl Mode {
    /// Every mode, in the order of their numbers.
    pub const ALL: [Mode; 8] = [
        Mode::UserPool,
        Mode::Oidc,
        Mode::ApiKey,
        Mode::Guest,
        Mode::IdentityPool,
        Mode::Lambda,
        Mode::Function,
        Mode::Iam,
    ];

    /// The mode's name in requests and policies: `userPool`, `oidc`, …
    pub const fn name(self) -> &'static str {
        match self {
            Mode::UserPool => "userPool",
            Mode::Oidc => "oidc",
            Mode::ApiKey => "apiKey",
            Mode::Guest => "guest",
            Mode::IdentityPool => "identityPool",
            Mode::Lambda => "lambda",
            Mode::Function => "function",
            Mode::Iam => "iam",
        }
    }

    /// The mode with that name.
    pub fn from_name(name: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// The mode with that number.
    pub const fn from_number(number: u8) -> Option<Mode> {
        if number < 8 { Some(Mode::ALL[number as usize]) } else { None }
    }
}

/// One operation on a model, a bucket or a custom operation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Operation {
    /// Models: make a record. Its bit serves storage as [`Operation::Write`] and custom operations as a call.
    Create = 0,
    /// Models: change a record.
    Update = 1,
    /// Models and storage.
    Delete = 2,
    /// Models: one record by key. Storage: an object's content.
    Get = 3,
    /// Models: many records. Storage: keys under a prefix.
    List = 4,
    /// Models: be told of changes.
    Listen = 5,
    /// Models: delta sync.
    Sync = 6,
    /// Models: full-text search.
    Search = 7,
    /// Storage: put an object.
    Write = 8,
    /// Custom operations: run it.
    Call = 9,
    /// Models: a record reached through a relation field of another; any read operation on it will do.
    Relation = 10,
}

impl Operation {
    /// The operation's name in requests: `create`, …
    pub const fn name(self) -> &'static str {
        match self {
            Operation::Create => "create",
            Operation::Update => "update",
            Operation::Delete => "delete",
            Operation::Get => "get",
            Operation::List => "list",
            Operation::Listen => "listen",
            Operation::Sync => "sync",
            Operation::Search => "search",
            Operation::Write => "write",
            Operation::Call => "call",
            Operation::Relation => "relation",
        }
    }

    /// The operation on models that has this name: one probe, since which one it is, the processor cannot foresee.
    #[inline]
    pub(crate) fn on_models(name: &str) -> Option<Operation> {
        if name.len() > 8 {
            return None; // none of the names is longer than a word
        }
        let asked = padded(name.as_bytes());
        let (word, operation) = BY_WORD[slot_of(asked, SPREAD)];
        // A name that ends in NULs is the same word.
        (word == asked && operation.name().len() == name.len()).then_some(operation)
    }

    /// The operations that a rule's operations must meet for this one.
    pub const fn needs(self) -> Operations {
        match self {
            Operation::Write | Operation::Call => Operations::CREATE,
            Operation::Relation => Operations::READ,
            _ => Operations(1 << self as u8),
        }
    }
}

/// The operations on models.
const ON_MODELS: [Operation; 9] = [
    Operation::Create,
    Operation::Update,
    Operation::Delete,
    Operation::Get,
    Operation::List,
    Operation::Listen,
    Operation::Sync,
    Operation::Search,
    Operation::Relation,
];

/// The slot of a word, among 16.
const fn slot_of(word: u64, spread: u64) -> usize {
    (word.wrapping_mul(spread) >> 60) as usize
}

/// A number that gives each name of [`ON_MODELS`] a slot of its own.
const SPREAD: u64 = {
    let mut spread: u64 = 1;
    while !spreads(spread) {
        spread = spread.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(2);
    }
    spread
};

const fn spreads(spread: u64) -> bool {
    let (mut taken, mut at) = (0u16, 0);
    while at < ON_MODELS.len() {
        taken |= 1 << slot_of(padded(ON_MODELS[at].name().as_bytes()), spread);
        at += 1;
    }
    taken.count_ones() as usize == ON_MODELS.len()
}

/// The operations on models by slot; a free one holds a word that no name has.
const BY_WORD: [(u64, Operation); 16] = {
    let (mut slots, mut at) = ([(u64::MAX, Operation::Get); 16], 0);
    while at < ON_MODELS.len() {
        let word = padded(ON_MODELS[at].name().as_bytes());
        slots[slot_of(word, SPREAD)] = (word, ON_MODELS[at]);
        at += 1;
    }
    slots
};

/// A set of operations, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Operations(pub u8);

#[allow(missing_docs)]
impl Operations {
    pub const NONE: Operations = Operations(0);
    pub const CREATE: Operations = Operations(1);
    pub const UPDATE: Operations = Operations(2);
    pub const DELETE: Operations = Operations(4);
    pub const GET: Operations = Operations(8);
    pub const LIST: Operations = Operations(16);
    pub const LISTEN: Operations = Operations(32);
    pub const SYNC: Operations = Operations(64);
    pub const SEARCH: Operations = Operations(128);
    /// What `read` stands for on a model: get, list, listen, sync, search.
    pub const READ: Operations = Operations(8 | 16 | 32 | 64 | 128);
    /// Models: what an update may need, since one that sets a field to null deletes its value.
    pub(crate) const REPLACE: Operations = Operations(2 | 4);
    /// Every operation on a model.
    pub const ALL: Operations = Operations(255);
    /// Storage: write.
    pub const WRITE: Operations = Operations(1);
    /// What `read` stands for in storage: get and list.
    pub const STORAGE_READ: Operations = Operations(8 | 16);
    /// Every operation in storage.
    pub const STORAGE_ALL: Operations = Operations(1 | 4 | 8 | 16);
    /// Custom operations: the one thing one can do with them.
    pub const CALL: Operations = Operations(1);
}

impl Operations {
    /// Whether every operation of `other` is in this set.
    pub const fn contains(self, other: Operations) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether some operation is in both sets.
    pub const fn meets(self, other: Operations) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is none in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Both sets together.
    pub const fn with(self, other: Operations) -> Operations {
        Operations(self.0 | other.0)
    }

    /// What both sets have.
    pub const fn both(self, other: Operations) -> Operations {
        Operations(self.0 & other.0)
    }

    /// This set without the other's operations.
    pub const fn without(self, other: Operations) -> Operations {
        Operations(self.0 & !other.0)
    }
}

/// Who issued the token that an owner or group rule reads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Provider {
    /// The user pool (`userPools`), the default.
    UserPools = 0,
    /// Another OpenID Connect issuer (`oidc`).
    Oidc = 1,
}

impl Provider {
    /// The mode in which this provider's tokens arrive.
    pub const fn mode(self) -> Mode {
        match self {
            Provider::UserPools => Mode::UserPool,
            Provider::Oidc => Mode::Oidc,
        }
    }

    /// The provider's name in rules.
    pub const fn name(self) -> &'static str {
        match self {
            Provider::UserPools => "userPools",
            Provider::Oidc => "oidc",
        }
    }
}
