//! Splits text into tokens.
//! Always: the tokens, in order, are the text, byte for byte; nothing fails here.

use crate::ast::Span;
use logos::Logos;

/// What a token is.
#[derive(Logos, Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenKind {
    /// Spaces, tabs and line ends.
    #[regex(r"[ \t\r\n]+")]
    Blank,
    /// `// …`, also `//// …`
    #[regex(r"//[^\n]*", allow_greedy = true)]
    LineComment,
    /// `/// …`: a description of what follows. To logos a comment, because its longest match wins.
    Doc,
    /// `/* … */`
    #[regex(r"/\*([^*]|\*+[^*/])*\*+/")]
    BlockComment,
    /// `/* …` up to the end of the file.
    #[regex(r"/\*([^*]|\*+[^*/])*\**", priority = 1)]
    OpenComment,
    /// A name or a keyword.
    #[regex(r"[\p{XID_Start}_]\p{XID_Continue}*")]
    Word,
    /// `"…"` or `'…'`
    #[regex(r#""([^"\\\n\r]|\\[^\n\r])*""#)]
    #[regex(r"'([^'\\\n\r]|\\[^\n\r])*'")]
    String,
    /// A quote whose partner is not on its line.
    #[regex(r#""([^"\\\n\r]|\\[^\n\r])*\\?"#, priority = 1)]
    #[regex(r"'([^'\\\n\r]|\\[^\n\r])*\\?", priority = 1)]
    OpenString,
    /// `12`, `-1.5`
    #[regex(r"-?[0-9]+(\.[0-9]+)?")]
    Number,
    #[token("{")]
    /// `{`
    LBrace,
    #[token("}")]
    /// `}`
    RBrace,
    #[token("[")]
    /// `[`
    LBracket,
    #[token("]")]
    /// `]`
    RBracket,
    #[token("(")]
    /// `(`
    LParen,
    #[token(")")]
    /// `)`
    RParen,
    #[token(":")]
    /// `:`
    Colon,
    #[token(",")]
    /// `,`
    Comma,
    #[token(".")]
    /// `.`
    Dot,
    #[token("!")]
    /// `!`
    Bang,
    /// `...`
    #[token("...")]
    Spread,
    /// `==`, `&&` and the other operators of conditions.
    #[regex(r"==|!=|<=|>=|<|>|&&|\|\||=")]
    Operator,
    /// A byte order mark at the start of the file. Elsewhere it is [`TokenKind::Unknown`].
    Mark,
    /// Characters that the language does not use.
    Unknown,
}

/// One token. Its text is `text[token.span.range()]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its bytes.
    pub span: Span,
}

impl TokenKind {
    /// Blanks, comments and descriptions: what the grammar does not see.
    pub fn is_trivia(self) -> bool {
        self.is_blank() || self.is_comment()
    }

    /// Spaces and line ends.
    pub fn is_blank(self) -> bool {
        matches!(self, TokenKind::Blank | TokenKind::Mark)
    }

    /// Comments and descriptions.
    pub fn is_comment(self) -> bool {
        use TokenKind::{BlockComment, Doc, LineComment, OpenComment};
        matches!(self, LineComment | Doc | BlockComment | OpenComment)
    }

    /// The bracket that closes this one.
    pub fn closer(self) -> Option<TokenKind> {
        match self {
            TokenKind::LBrace => Some(TokenKind::RBrace),
            TokenKind::LBracket => Some(TokenKind::RBracket),
            TokenKind::LParen => Some(TokenKind::RParen),
            _ => None,
        }
    }

    /// Whether this closes a bracket.
    pub fn is_closer(self) -> bool {
        matches!(self, TokenKind::RBrace | TokenKind::RBracket | TokenKind::RParen)
    }
}

/// Three slashes begin a description; a fourth makes it an ordinary comment.
fn is_doc(comment: &str) -> bool {
    comment.starts_with("///") && !comment.starts_with("////")
}

/// The tokens of a text.
pub fn tokens(text: &str) -> Vec<Token> {
    tokens_in(text, Span::new(0, text.len()))
}

/// The tokens of a part of a text, which begins and ends where a token does.
pub fn tokens_in(text: &str, part: Span) -> Vec<Token> {
    let start = part.start as usize;
    let mut tokens: Vec<Token> = Vec::with_capacity(part.range().len() / 4);
    for (kind, range) in TokenKind::lexer(&text[part.range()]).spanned() {
        let span = Span::new(start + range.start, start + range.end);
        let kind = match kind {
            Ok(TokenKind::LineComment) if is_doc(&text[span.range()]) => TokenKind::Doc,
            Ok(kind) => kind,
            Err(()) if span.start == 0 && text[span.range()] == *"\u{feff}" => TokenKind::Mark,
            Err(()) => TokenKind::Unknown,
        };
        match tokens.last_mut() {
            Some(last) if kind == TokenKind::Unknown && last.kind == kind => last.span.end = span.end,
            _ => tokens.push(Token { kind, span }),
        }
    }
    tokens
}
