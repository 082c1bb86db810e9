//! What a rule may contain, and what it is made of.
//!
//! A rule is refused when it is published, not when a payment waits for it. So there are no loops
//! and no regular expressions, every operator has operands of its types, money never meets a
//! float, and the cost is bounded by the number of nodes.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, SelectExpr, operators as op};
use cel::parser::Parser;

use crate::signal::{KNOWN, Kind, Signal};

/// Characters of one condition.
pub const SOURCE_MAX: usize = 2_000;
/// Nodes of one condition: its cost, because nothing loops.
pub const NODES_MAX: usize = 200;
/// How deep a condition may nest.
const DEPTH_MAX: usize = 16;

/// Why a condition is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not CEL.
    #[error("not a CEL expression: {0}")]
    Syntax(String),
    /// It is too long.
    #[error("longer than {SOURCE_MAX} characters")]
    TooLong,
    /// It costs too much.
    #[error("more than {NODES_MAX} parts: split it into several rules")]
    TooCostly,
    /// Brackets in brackets, or one `?` after the other.
    #[error("nested more than {DEPTH_MAX} deep")]
    TooDeep,
    /// A name that is not in the catalogue.
    #[error("there is no signal {0}")]
    UnknownSignal(String),
    /// A float. Money is whole yen.
    #[error("numbers are whole: floats are not allowed")]
    Float,
    /// `all`, `exists`, `map`, `filter`: a loop.
    #[error("loops (all, exists, map, filter) are not allowed")]
    Loop,
    /// Something of CEL that rules do not have.
    #[error("{0} is not allowed in a rule")]
    NotAllowed(String),
    /// An operator with operands of a wrong type.
    #[error("{operator} does not take {operands}")]
    Type {
        /// The operator or function.
        operator: String,
        /// The types it was given.
        operands: String,
    },
    /// The whole is not true or false.
    #[error("a condition is true or false, this is {0}")]
    NotBool(String),
}

/// A condition that may be published.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Ready for evaluation: each signal is one identifier.
    pub(crate) expression: IdedExpr,
    /// The signals it looks at, each once.
    pub signals: Vec<Signal>,
    /// Its cost.
    pub nodes: usize,
}

impl Condition {
    /// Reads and checks a condition.
    ///
    /// # Errors
    /// [`Refusal`], with words for the one who wrote it.
    pub fn compile(source: &str) -> Result<Self, Refusal> {
        if source.chars().count() > SOURCE_MAX {
            return Err(Refusal::TooLong);
        }
        // Before the parser sees it: the parser descends by recursion.
        if nesting(source) > DEPTH_MAX {
            return Err(Refusal::TooDeep);
        }
        let parsed = Parser::new().parse(source);
        let mut expression = parsed.map_err(|errors| Refusal::Syntax(errors.to_string()))?;
        let mut checker = Checker::default();
        match checker.expression(&mut expression)? {
            Type::Bool => {}
            other => return Err(Refusal::NotBool(other.to_string())),
        }
        Ok(Self { expression, signals: checker.signals, nodes: checker.nodes })
    }
}

/// How deep a text can make a parser descend: brackets that are open, and every `?`. Brackets in
/// a quoted text count too, which errs on the safe side.
fn nesting(source: &str) -> usize {
    let (mut open, mut deepest, mut choices) = (0_usize, 0, 0);
    for letter in source.chars() {
        match letter {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            '?' => choices += 1,
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest + choices
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Bool,
    Int,
    Text,
    Ints,
    Texts,
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bool => "true or false",
            Self::Int => "a number",
            Self::Text => "a text",
            Self::Ints => "a list of numbers",
            Self::Texts => "a list of texts",
        })
    }
}

#[derive(Default)]
struct Checker {
    signals: Vec<Signal>,
    nodes: usize,
}

impl Checker {
    /// The type of an expression. Signals in it become identifiers of their own.
    fn expression(&mut self, node: &mut IdedExpr) -> Result<Type, Refusal> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(Refusal::TooCostly);
        }
        match &mut node.expr {
            Expr::Literal(literal) => literal_type(literal),
            Expr::Select(select) => {
                let (signal, tests) = selected(select)?;
                if !self.signals.contains(&signal) {
                    self.signals.push(signal);
                }
                let (name, kind) = if tests {
                    (format!("{KNOWN}{}", signal.as_str()), Type::Bool)
                } else {
                    (signal.as_str().to_owned(), of_kind(signal.kind()))
                };
                node.expr = Expr::Ident(name);
                Ok(kind)
            }
            Expr::Ident(name) => Err(Refusal::UnknownSignal(name.clone())),
            Expr::List(list) => {
                let mut kind = None;
                for element in &mut list.elements {
                    let found = self.expression(element)?;
                    if *kind.get_or_insert(found) != found {
                        return Err(Refusal::NotAllowed("a list of different types".into()));
                    }
                }
                match kind {
                    Some(Type::Int) => Ok(Type::Ints),
                    Some(Type::Text) => Ok(Type::Texts),
                    _ => Err(Refusal::NotAllowed("such a list".into())),
                }
            }
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(_) => Err(Refusal::Loop),
            Expr::Map(_) => Err(Refusal::NotAllowed("a map".into())),
            Expr::Struct(_) => Err(Refusal::NotAllowed("a message".into())),
            Expr::Unspecified => Err(Refusal::NotAllowed("an empty expression".into())),
        }
    }

    fn call(&mut self, call: &mut CallExpr) -> Result<Type, Refusal> {
        let mut types = Vec::with_capacity(3);
        if let Some(target) = &mut call.target {
            types.push(self.expression(target)?);
        }
        for argument in &mut call.args {
            types.push(self.expression(argument)?);
        }
        result_type(&call.func_name, call.target.is_some(), &types).ok_or_else(|| {
            let operands: Vec<String> = types.iter().map(ToString::to_string).collect();
            Refusal::Type {
                operator: call.func_name.trim_matches(['_', '@']).to_owned(),
                operands: operands.join(", "),
            }
        })
    }
}

const fn of_kind(kind: Kind) -> Type {
    match kind {
        Kind::Int => Type::Int,
        Kind::Bool => Type::Bool,
        Kind::Text => Type::Text,
    }
}

fn literal_type(literal: &LiteralValue) -> Result<Type, Refusal> {
    match literal {
        LiteralValue::Boolean(_) => Ok(Type::Bool),
        LiteralValue::Int(_) => Ok(Type::Int),
        LiteralValue::String(_) => Ok(Type::Text),
        LiteralValue::Double(_) => Err(Refusal::Float),
        LiteralValue::UInt(_) => Err(Refusal::NotAllowed("an unsigned number (1u)".into())),
        LiteralValue::Bytes(_) => Err(Refusal::NotAllowed("a byte string".into())),
        LiteralValue::Null => Err(Refusal::NotAllowed("null".into())),
    }
}

/// The signal that `area.name` names, and whether `has()` asks for it.
fn selected(select: &SelectExpr) -> Result<(Signal, bool), Refusal> {
    let Expr::Ident(area) = &select.operand.expr else {
        return Err(Refusal::NotAllowed(format!("the field .{}", select.field)));
    };
    let name = format!("{area}.{}", select.field);
    let signal = Signal::of(&name).ok_or(Refusal::UnknownSignal(name))?;
    Ok((signal, select.test))
}

/// The type that a function or operator gives; none if it does not take these.
fn result_type(name: &str, is_method: bool, types: &[Type]) -> Option<Type> {
    use Type::{Bool, Int, Ints, Text, Texts};
    Some(match (name, is_method, types) {
        (op::LOGICAL_AND | op::LOGICAL_OR, false, [Bool, Bool])
        | (op::LOGICAL_NOT, false, [Bool]) => Bool,
        (op::CONDITIONAL, false, [Bool, left, right]) if left == right => *left,
        (op::EQUALS | op::NOT_EQUALS, false, [left, right])
            if left == right && matches!(left, Bool | Int | Text) =>
        {
            Bool
        }
        (op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS, false, [Int, Int]) => Bool,
        (op::ADD | op::SUBSTRACT | op::MULTIPLY | op::DIVIDE | op::MODULO, false, [Int, Int])
        | (op::NEGATE, false, [Int])
        | ("size", true, [Text]) => Int,
        (op::IN, false, [Int, Ints] | [Text, Texts])
        | ("startsWith" | "endsWith" | "contains", true, [Text, Text]) => Bool,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(source: &str) -> Refusal {
        Condition::compile(source).err().unwrap_or_else(|| panic!("{source} was taken"))
    }

    #[test]
    fn what_rules_need_is_taken() {
        for source in [
            "act.amount > 30000",
            "has(ip.country) && ip.country != 'JP'",
            "ip.country in ['JP', 'US'] || ip.asn in [1, 2]",
            "topup.card_count_10m >= 2 && !account.is_recovered_24h",
            "spend.yen_1h * 10 > terminal.sales_yen_24h + 1",
            "(act.hour < 6 ? 10 : 20) <= spend.count_10m",
            "session.factor.startsWith('pass') && size('x') == 1 || session.factor.size() == 3",
        ] {
            let found = Condition::compile(source);
            match source.contains("size('x')") {
                true => assert!(found.is_err(), "only the method form is taken"),
                false => assert!(found.is_ok(), "{source}: {found:?}"),
            }
        }
    }

    #[test]
    fn signals_are_listed_once_and_the_cost_is_counted() {
        let condition = Condition::compile("act.amount > 1 && act.amount < 9").unwrap();
        assert_eq!(condition.signals, [Signal::ActAmount]);
        assert_eq!(condition.nodes, 7);
    }

    #[test]
    fn floats_never_meet_money() {
        assert_eq!(refusal("act.amount > 1.5"), Refusal::Float);
        assert_eq!(refusal("1.0 < 2.0"), Refusal::Float);
        assert!(matches!(refusal("double(act.amount) > double(1)"), Refusal::Type { .. }));
    }

    #[test]
    fn what_loops_or_costs_too_much_is_refused_with_the_reason() {
        assert_eq!(refusal("[1, 2].exists(x, x > act.amount)"), Refusal::Loop);
        assert_eq!(refusal("[1, 2].map(x, x * 2).size() > 1"), Refusal::Loop);
        let long = vec!["act.amount > 1"; 100].join(" && ");
        assert_eq!(refusal(&long), Refusal::TooCostly);
        assert_eq!(refusal(&" ".repeat(2_001)), Refusal::TooLong);
        let brackets = format!("{}true{}", "(".repeat(900), ")".repeat(900));
        assert_eq!(refusal(&brackets), Refusal::TooDeep);
        assert_eq!(refusal(&format!("{}true", "true?true:".repeat(190))), Refusal::TooDeep);
        for chain in ["!", "-", "1-", "true&&", "1<"] {
            let long = format!("{}1", chain.repeat(1_990 / chain.len()));
            assert!(Condition::compile(&long).is_err(), "{chain}");
        }
        assert!(matches!(refusal("session.factor.matches('(a+)+$')"), Refusal::Type { .. }));
    }

    #[test]
    fn wrong_names_and_types_are_told() {
        assert_eq!(refusal("act.amuont > 1"), Refusal::UnknownSignal("act.amuont".into()));
        assert_eq!(refusal("amount > 1"), Refusal::UnknownSignal("amount".into()));
        assert_eq!(refusal("act.amount"), Refusal::NotBool("a number".into()));
        assert_eq!(refusal("act.amount > 'x'").to_string(), "> does not take a number, a text");
        assert!(matches!(refusal("act.amount >"), Refusal::Syntax(_)));
        assert!(matches!(refusal("{'a': 1}.size() > 0"), Refusal::NotAllowed(_)));
        assert!(matches!(refusal("[1, 'a'].size() > 0"), Refusal::NotAllowed(_)));
        assert!(matches!(refusal("ip.country.length > 0"), Refusal::NotAllowed(_)));
        assert!(matches!(refusal("null == null"), Refusal::NotAllowed(_)));
    }
}
