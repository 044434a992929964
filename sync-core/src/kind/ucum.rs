//! Units of measure: whether a text is a unit by the Unified Code for Units of Measure (UCUM),
//! case-sensitive, as far as its atoms are those that medicine uses.
//!
//! ```text
//! unit      = ["/"] component { ("." | "/") component }
//! component = "(" unit ")" | annotation | factor [annotation] | atom [exponent] [annotation]
//! ```

/// Atoms that take a prefix: `mg`, `mmol`, `kPa`.
const METRIC: &[&str] = &[
    "g", "m", "s", "L", "l", "mol", "Pa", "K", "Cel", "J", "W", "V", "A", "Hz", "N", "Bq", "Gy",
    "Sv", "eq", "osm", "kat", "U", "[iU]", "[IU]", "cal", "m[H2O]", "m[Hg]", "t", "bar", "B",
];

/// Atoms that take none.
const PLAIN: &[&str] = &[
    "%", "[ppth]", "[ppm]", "min", "h", "d", "wk", "mo", "a", "deg", "[degF]", "[in_i]", "[ft_i]",
    "[lb_av]", "[oz_av]", "[Cal]", "[pH]", "[drp]", "[diop]", "[HPF]", "[LPF]", "[arb'U]", "[CFU]",
];

const PREFIXES: &[&str] = &[
    "da", "Y", "Z", "E", "P", "T", "G", "M", "k", "h", "d", "c", "m", "u", "n", "p", "f", "a",
];

/// The longest unit, in bytes.
pub const UNIT_MAX: usize = 64;

/// Whether a text is such a unit; `1` is the unit of what has none.
pub fn is_unit(text: &str) -> bool {
    let short = text.len() <= UNIT_MAX && text.is_ascii();
    short && unit(text, 0) == Some("")
}

/// Parses a unit and gives what follows it. Parentheses nest four deep at most.
fn unit(text: &str, depth: usize) -> Option<&str> {
    let mut rest = component(text.strip_prefix('/').unwrap_or(text), depth)?;
    while let Some(next) = rest.strip_prefix(['.', '/']) {
        rest = component(next, depth)?;
    }
    Some(rest)
}

fn component(text: &str, depth: usize) -> Option<&str> {
    if let Some(inner) = text.strip_prefix('(') {
        return match depth {
            0..4 => unit(inner, depth + 1)?.strip_prefix(')'),
            _ => None,
        };
    }
    if text.starts_with('{') {
        return annotation(text);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        // A power of ten is written `10*3`.
        let factor = &text[digits..];
        let power = factor
            .strip_prefix(['*', '^'])
            .filter(|_| &text[..digits] == "10");
        return annotation(power.map_or(factor, exponent));
    }
    let end = text.len() - text.trim_start_matches(is_atom).len();
    // Exponents are glued to the atom: `m2`, `s-1`.
    let symbols =
        text[..end].trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
    let symbols = [&text[..end], symbols]
        .into_iter()
        .find(|symbols| is_symbol(symbols))?;
    annotation(exponent(&text[symbols.len()..]))
}

/// Atoms are letters, `%`, and names in brackets with anything between.
fn is_atom(character: char) -> bool {
    !['.', '/', '(', ')', '{', '}'].contains(&character)
}

fn is_symbol(text: &str) -> bool {
    let metric = |text: &str| METRIC.contains(&text);
    let prefixed = |prefix: &&str| text.strip_prefix(*prefix).is_some_and(metric);
    metric(text) || PLAIN.contains(&text) || PREFIXES.iter().any(prefixed)
}

/// Drops an exponent.
fn exponent(text: &str) -> &str {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let rest = unsigned.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() < unsigned.len() {
        rest
    } else {
        text
    }
}

/// Drops an annotation; nothing when it does not end.
fn annotation(text: &str) -> Option<&str> {
    let Some(inner) = text.strip_prefix('{') else {
        return Some(text);
    };
    let (words, rest) = inner.split_once('}')?;
    let plain = |c: char| c.is_ascii_graphic() && c != '{';
    words.chars().all(plain).then_some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_of_medicine_are_units() {
        for text in [
            "kg",
            "g",
            "cm",
            "m",
            "kg/m2",
            "mm[Hg]",
            "/min",
            "{beats}/min",
            "Cel",
            "[degF]",
            "%",
            "mg/dL",
            "mmol/L",
            "mmol/mol",
            "L/min",
            "10*9/L",
            "10*3/uL",
            "m[iU]/L",
            "[IU]/mL",
            "mL/min/{1.73_m2}",
            "ug/L",
            "1",
            "{score}",
            "g/(24.h)",
            "mosm/kg",
            "s-1",
            "[in_i]",
            "[lb_av]",
            "[pH]",
            "%{vol}",
            "kPa",
            "U/L",
            "umol/L",
            "dB",
            "/[HPF]",
            "cm[H2O]",
        ] {
            assert!(is_unit(text), "{text}");
        }
    }

    #[test]
    fn words_and_halves_are_none() {
        for text in [
            "",
            "kilo",
            "°C",
            "mmHg",
            "bpm",
            "mg/",
            "/",
            "kg//m",
            "(kg",
            "kg)",
            "{beats",
            "mg dL",
            "m2m",
            "kkg",
            "11*",
            "((((((m))))))",
            "%%",
            "comprimé",
        ] {
            assert!(!is_unit(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".*", close in "[a-zL0-9/.(){}\\[\\]*%-]{0,24}") {
            let _ = (is_unit(&text), is_unit(&close));
        }
    }
}
