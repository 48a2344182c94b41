//! Every code, with its page.
//! Always: a code has exactly one page, `docs/errors/CODE.md`, and a test compiles the programs on it.

macro_rules! codes {
    (parser: $($parser:literal)*; import: $($import:literal)*; $($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $code;)*

        /// The codes of the checker, of the parser and of `admit import`, each with its page.
        const PAGES: &[(&str, &str)] = &[
            $(($parser, include_str!(concat!("../../../docs/errors/", $parser, ".md"))),)*
            $(($import, include_str!(concat!("../../../docs/errors/", $import, ".md"))),)*
            $(($code, include_str!(concat!("../../../docs/errors/", $code, ".md"))),)*
        ];
    };
}

codes! {
    parser: "E0101" "E0102" "E0103" "E0104" "E0105" "E0106" "E0108" "E0901" "E0902";
    import: "E1201" "E1202" "E1203" "E1204" "E1205" "E1206" "W1201" "W1202";

    /// A name, or a block that stands once, is declared twice.
    DECLARED_TWICE = "E0201";
    /// A setting that does not exist.
    UNKNOWN_SETTING = "E0202";
    /// A rule names a group that is not declared.
    UNKNOWN_GROUP = "E0203";
    /// A group name of a form that Cognito refuses.
    GROUP_NAME = "E0204";
    /// A group name that AWS's roles use.
    RESERVED_GROUP = "E0205";
    /// A setting's value has another form.
    SETTING_VALUE = "E0206";
    /// A rule names a function that is not declared.
    UNKNOWN_FUNCTION = "E0207";
    /// A named list that is not declared.
    UNKNOWN_LIST = "E0208";
    /// A named list that holds something else than what stands there.
    LIST_KIND = "E0209";
    /// Named lists that hold each other.
    LIST_CYCLE = "E0210";
    /// Groups that act as each other.
    ACTING_CYCLE = "E0221";
    /// Exclusive groups that are none, or that a group would hold together.
    EXCLUSIVE = "E0222";
    /// A file that `use` names and that is not there.
    USE_MISSING = "E0223";
    /// Files that use each other.
    USE_CYCLE = "E0224";
    /// A `use` that leads out of the project.
    USE_LEAVES = "E0225";
    /// Two groups of one precedence.
    EQUAL_PRECEDENCE = "E0231";
    /// An ARN of a form that AWS does not have.
    ARN_FORM = "E0232";
    /// An IAM action of a form that AWS does not have.
    ACTION_FORM = "E0233";

    /// A builder that does not exist.
    UNKNOWN_BUILDER = "E0301";
    /// A builder that has no place here.
    BUILDER_PLACE = "E0302";
    /// Arguments that the builder or modifier does not take.
    ARGUMENTS = "E0303";
    /// A provider that does not exist, or that the builder does not take.
    PROVIDER = "E0304";
    /// A modifier that does not exist.
    UNKNOWN_MODIFIER = "E0305";
    /// A modifier that has no place here.
    MODIFIER_PLACE = "E0306";
    /// A modifier twice in one rule.
    MODIFIER_TWICE = "E0307";
    /// An operation that does not exist.
    UNKNOWN_OPERATION = "E0308";
    /// An operation that has no place here.
    OPERATION_PLACE = "E0309";
    /// `read` beside one of its parts, or twice.
    READ_AND_PART = "E0310";
    /// An empty list, which would do nothing.
    EMPTY_LIST = "E0311";
    /// A rule that must say `.to`, and does not.
    NO_OPERATIONS = "E0312";
    /// A rule that does not begin with `allow` or `deny`.
    EFFECT = "E0313";
    /// `.and` with something that is no second who.
    AND = "E0314";
    /// Whos of two modes in one rule.
    AND_MODE = "E0315";

    /// A model without rules.
    NO_RULES = "E0401";
    /// A type that does not exist.
    UNKNOWN_TYPE = "E0402";
    /// A rule reads a field that the model does not have.
    NO_FIELD = "E0403";
    /// A rule reads a field of a type that cannot hold an owner or a group.
    FIELD_TYPE = "E0404";
    /// A required field that some reader of the record may not read.
    REQUIRED_PROTECTED = "E0405";
    /// Field braces without a rule.
    EMPTY_BRACES = "E0406";
    /// Rules on a custom type.
    TYPE_RULES = "E0407";
    /// A subscription whose source is not one.
    SOURCE = "E0408";
    /// An operation without a rule, or with rules and no handler.
    RULE_AND_HANDLER = "E0409";
    /// A rule that a custom handler cannot enforce.
    CUSTOM_HANDLER = "E0410";
    /// A rule that an operation inherits and cannot have.
    INHERITED = "E0411";
    /// A member of a model that does not exist, or an identifier that is none.
    MEMBER = "E0412";

    /// A mode that does not exist.
    UNKNOWN_MODE = "E0501";
    /// A rule of a mode that is not configured.
    MODE = "E0502";
    /// Several modes and no default.
    NO_DEFAULT_MODE = "E0503";
    /// A default mode that is not configured.
    DEFAULT_MODE = "E0504";
    /// A rule for the identity pool where there is no sign-in.
    NO_POOL = "E0505";

    /// A path of a form that S3 rules cannot have.
    PATH_FORM = "E0601";
    /// `{entity_id}` in a place where it means nothing.
    ENTITY_PLACE = "E0602";
    /// A path above one with `{entity_id}`.
    PATH_OVER_ENTITY = "E0603";
    /// A rule for users where there is no `auth`.
    NO_AUTH = "E0604";
    /// One who twice on one path.
    WHO_TWICE = "E0605";
    /// A bucket's name of a form that Amplify refuses.
    BUCKET_NAME = "E0606";
    /// An `entity` rule on a path without `{entity_id}`, or of another entity.
    ENTITY_RULE = "E0607";
    /// A claim in a path where it means nothing.
    CLAIM_PLACE = "E0608";
    /// Two parameters at one place of sibling paths.
    TWO_PARAMETERS = "E0609";

    /// A word that conditions do not know.
    UNKNOWN_WORD = "E0801";
    /// A claim that is neither declared nor standard.
    UNKNOWN_CLAIM = "E0802";
    /// Values of types that a condition cannot compare, or what is no condition.
    CONDITION_TYPE = "E0803";
    /// A value that an enum does not have.
    ENUM_VALUE = "E0804";
    /// `null` where there is never one.
    NEVER_NULL = "E0805";
    /// A date, datetime or number of a form that cannot be compared.
    MALFORMED_LITERAL = "E0806";
    /// Something that a condition cannot read at its place.
    CONDITION_PLACE = "E0807";

    /// More groups than a user pool can have.
    TOO_MANY_GROUPS = "E0903";
    /// More of something than a table can hold.
    TABLE_LIMIT = "E0904";
    /// More than AWS takes in an output.
    OUTPUT_LIMIT = "E0905";
    /// Something without which an output would allow more.
    WIDENS = "E0906";

    /// A test or an invariant speaks of something that does not exist.
    UNKNOWN_SUBJECT = "E1001";
    /// What a test or an invariant speaks of has another form.
    SUBJECT_FORM = "E1002";
    /// A value that the field of a record cannot hold.
    RECORD_VALUE = "E1003";
    /// A caller of a test that is none, or of another form.
    CALLER = "E1004";
    /// `with` where nothing is proposed.
    INPUT_PLACE = "E1005";
    /// An assertion and its opposite in one test.
    CONTRADICTION = "E1006";
    /// A who of an invariant that is none.
    WHOM = "E1007";

    /// An invariant that some request breaks.
    BROKEN_INVARIANT = "E1101";
    /// An invariant that could not be settled.
    UNDECIDED_INVARIANT = "E1102";

    /// An acceptance of a form that says too little.
    ACCEPTANCE = "E1501";
    /// An acceptance of what cannot be accepted.
    ACCEPTED_CODE = "E1502";

    /// A deny that a session's one role on AWS cannot enforce.
    OUTRANKED_DENY = "E1301";

    /// A group that no rule names.
    UNUSED_GROUP = "W0701";
    /// A rule that another one covers.
    USELESS_RULE = "W0702";
    /// Two rules that could be one.
    MERGE_RULES = "W0703";
    /// An owner who can give the record away.
    OWNER_GIVES_AWAY = "W0704";
    /// Everybody may write.
    PUBLIC_WRITE = "W0705";
    /// A rule that nobody can satisfy.
    NOBODY = "W0706";
    /// A name with characters that deceive the eye.
    DECEPTIVE_NAME = "W0707";
    /// An empty text where the default is meant.
    EMPTY_TEXT = "W0708";
    /// A path that looks like a pattern and is literal.
    LITERAL_PATH = "W0709";
    /// A path that AWS's generator cannot express.
    NESTED_PATHS = "W0710";
    /// A rule on everybody's own folders.
    EVERYBODYS_FOLDER = "W0711";
    /// Something named twice in one list.
    NAMED_TWICE = "W0712";
    /// Field rules that take the right to delete.
    CANNOT_DELETE = "W0713";
    /// Field rules that reach records which the model's rules do not.
    FIELD_REACHES = "W0714";
    /// An operation that nothing but IAM can call.
    UNREACHABLE_OPERATION = "W0715";
    /// One of the three events of `listen` disabled.
    ONE_EVENT = "W0716";
    /// A model's rule where every field has rules of its own.
    REACHES_NOTHING = "W0717";
    /// An undeclared owner field with nearly the name of a declared one.
    NEAR_OWNER = "W0718";
    /// A path whose keys are named by a list of the path above.
    LISTED_CHILD = "W0719";
    /// A named list that nothing uses.
    UNUSED_LIST = "W0720";
    /// A condition that is never false.
    ALWAYS_TRUE = "W0721";
    /// A condition that is never true.
    ALWAYS_FALSE = "W0722";
    /// A rule with a condition that another rule without it covers.
    COVERED_CONDITION = "W0723";
    /// A deny that takes nothing away.
    DENIES_NOTHING = "W0724";
    /// A deny beside an allow of another mode.
    DENY_OTHER_MODE = "W0725";
    /// A deny that reads an optional field.
    DENY_OPTIONAL = "W0726";
    /// Callers who may write what their rule's condition rests on.
    WRITES_CONDITION = "W0727";
    /// A claim that users can write themselves.
    WRITABLE_CLAIM = "W0728";
    /// A deny that reaches groups by `actsAs`.
    DENY_REACHES = "W0729";
    /// An assertion that stands twice in one test.
    REPEATED = "W0741";
    /// A test or an invariant that asserts nothing.
    ASSERTS_NOTHING = "W0742";
    /// A name of a test that nothing uses.
    UNUSED_NAME = "W0743";
    /// A claim of a caller that nearly has the name of one that counts.
    NEAR_CLAIM = "W0744";

    /// Joining a group takes access to storage away.
    GROUP_TAKES_AWAY = "W0751";
    /// What an output for AWS cannot say.
    NOT_ON_AWS = "W0752";
    /// A rule that others cover together.
    COVERED_TOGETHER = "W1401";
    /// A rule whose condition is true only where a wider one is.
    NARROWER = "W1402";
    /// A rule that can allow nothing.
    DEAD_RULE = "W1403";
    /// A model that is written and never read.
    NOBODY_READS = "W1404";
    /// Groups that no decision tells apart.
    GROUPS_ALIKE = "W1405";
    /// A relation whose readers may read nothing of what it leads to.
    UNREAD_RELATION = "W1406";
    /// An acceptance that accepts nothing.
    UNUSED_ACCEPTANCE = "W1501";
}

/// Every code, in order.
pub fn codes() -> Vec<&'static str> {
    let mut codes: Vec<&str> = PAGES.iter().map(|(code, _)| *code).collect();
    codes.sort_unstable();
    codes
}

/// The page of a code, in Markdown: what it means, a wrong and a right program.
///
/// ```
/// assert!(admit_compiler::page("E0203").is_some_and(|page| page.starts_with("# E0203")));
/// assert_eq!(admit_compiler::page("E9999"), None);
/// ```
pub fn page(code: &str) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| known.eq_ignore_ascii_case(code)).map(|(_, page)| *page)
}
