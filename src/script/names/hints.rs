//! Names that other languages have, with what to write here.

/// A variable's name that is none in Rhai.
pub(super) fn variable(name: &str) -> Option<&'static str> {
    Some(match name {
        "True" => "write `true` for \"True\"",
        "False" => "write `false` for \"False\"",
        "null" | "nil" | "undefined" => "write `None` for no value",
        "pass" => "an empty block is `{}`",
        "self" => "write `this` for \"self\"",
        _ => return None,
    })
}

/// A function's name that is none here.
pub(super) fn function(name: &str) -> Option<&'static str> {
    Some(match name {
        "str" => "write `x.to_string()` for \"str(x)\"",
        "int" => "write `parse_int(text)` for \"int(text)\"",
        "float" => "write `parse_float(text)` for \"float(text)\"",
        "bytes" => "write `unhex(\"ff 00\")` or `\"text\".to_blob()` for bytes",
        "dict" => "write `#{}` for an empty map",
        "list" | "tuple" => "write `[]` for an empty list",
        "enumerate" => "write `for (x, i) in list { ... }`: the counter comes second",
        "sorted" => "write `list.sort()`: it sorts in place",
        "isinstance" => "write `type_of(x)` for the name of a value's type",
        "not" => "write `!` for \"not\"",
        "println" | "printf" => "write `print(...)`",
        "format" => "write text with values between back-ticks: `port ${p} is open`",
        _ => return None,
    })
}
