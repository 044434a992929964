//! What is meant by a name that a person typed.

use super::PhoneError;
use super::output::short;

/// The one thing that is meant by a name, or by enough of it. What comes last of what a thing is
/// called is its identifier, which its end names too.
pub(super) fn pick<'t, T, const N: usize>(
    things: &'t [T],
    name: &str,
    called: impl for<'a> Fn(&'a T) -> [&'a String; N],
) -> Result<&'t T, PhoneError> {
    // A minus sign is typed as a hyphen.
    let plain = |text: &str| text.to_lowercase().replace('−', "-");
    let name = plain(name);
    if name.is_empty() {
        return Err(PhoneError::NoneCalled);
    }
    let exact = |text: &String| plain(text) == name || short(text) == name;
    let part = |text: &String| plain(text).contains(&name);
    let meant = |by: &dyn Fn(&String) -> bool| -> Vec<&'t T> {
        let things = things.iter();
        things
            .filter(|thing| called(thing).into_iter().any(by))
            .collect()
    };
    let mut found = meant(&exact);
    if found.is_empty() {
        found = meant(&part);
    }
    match found.as_slice() {
        [] => Err(PhoneError::NoneCalled),
        [one] => Ok(one),
        several => Err(PhoneError::Several {
            which: several.iter().map(|thing| line(&called(thing))).collect(),
        }),
    }
}

/// What a thing is called, the end of its identifier first.
fn line(called: &[&String]) -> String {
    let Some((id, names)) = called.split_last() else {
        return String::new();
    };
    let mut names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
    names.retain(|name| !name.is_empty());
    names.dedup();
    format!("{}  {}", short(id), names.join(" · "))
}
