//! What is typed after an option, as a value: checked, and made into what an entry keeps.
//!
//! Parts that belong together are typed together: `Dr Anne Petit; profession=physician`. What
//! comes first names the thing; a JSON object is taken as it is.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};
use sync_core::kind::{Codes, MediaType, Member, MemberShape, Occurred, Structure, normalise};

use super::options::{Takes, takes};

/// Why what was typed is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// None of these codes.
    Code(Vec<&'static str>),
    /// No date.
    Date,
    /// No whole day.
    Day,
    /// No decimal number.
    Decimal,
    /// No whole number of at most this.
    Number(u32),
    /// Neither yes nor no.
    Flag,
    /// No blood group.
    Group,
    /// An ABO group without its rhesus.
    NoRhesus(&'static str),
    /// No JSON object.
    Json,
    /// No file that can be read, or one that is empty or too large.
    File,
    /// A file of a type that no document has.
    FileType,
}

/// A value that is no entry's name, as JSON.
pub(super) fn value(takes: Takes, text: &str) -> Result<Json, Unfit> {
    Ok(match takes {
        Takes::Flag => json!(flag(text)?),
        Takes::Number(most) => {
            let number = text.parse::<u32>().ok().filter(|number| *number <= most);
            json!(number.ok_or(Unfit::Number(most))?)
        }
        Takes::Text | Takes::Person | Takes::Entry => json!(text),
        Takes::Decimal(signed) => json!(decimal(text, signed)?),
        Takes::Code(codes) => json!(code(codes, text)?),
        Takes::Date => json!(date(text)?.to_string()),
        Takes::Day => match date(text) {
            Ok(Occurred::Day(day)) => json!(day.to_string()),
            _ => return Err(Unfit::Day),
        },
        Takes::Parts(structure) => parts(structure, text)?,
        Takes::Group => group(text)?,
    })
}

fn flag(text: &str) -> Result<bool, Unfit> {
    match normalise(text).as_str() {
        "yes" | "oui" | "true" => Ok(true),
        "no" | "non" | "false" => Ok(false),
        _ => Err(Unfit::Flag),
    }
}

fn date(text: &str) -> Result<Occurred, Unfit> {
    text.parse().map_err(|_| Unfit::Date)
}

/// The French write a comma.
fn decimal(text: &str, signed: bool) -> Result<String, Unfit> {
    let text = text.trim().replace(',', ".").replace('−', "-");
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let bare = match signed {
        true => text.strip_prefix('-').unwrap_or(&text),
        false => &text,
    };
    let (whole, part) = bare.split_once('.').unwrap_or((bare, "0"));
    let fits = digits(whole) && digits(part);
    fits.then_some(text.clone()).ok_or(Unfit::Decimal)
}

/// A code, or its words in either language.
fn code(codes: &Codes, text: &str) -> Result<&'static str, Unfit> {
    let meant = normalise(text);
    let mut all = codes.codes.iter().zip(codes.words);
    let found = all.find(|(code, words)| {
        *code == &text || [words.en, words.fr].map(normalise).contains(&meant)
    });
    let found = found.map(|(code, _)| *code);
    found.ok_or_else(|| Unfit::Code(codes.codes.to_vec()))
}

/// An ABO group with its RhD: `A+`, `AB-`.
fn group(text: &str) -> Result<Json, Unfit> {
    let text = text.trim().to_lowercase().replace('−', "-");
    let split = |sign, rhd: &'static str| Some((text.strip_suffix(sign)?, Some(rhd)));
    let parts = split('+', "positive").or_else(|| split('-', "negative"));
    let (abo, rhd) = parts.unwrap_or((&text, None));
    let mut known = [("a", "A"), ("b", "B"), ("ab", "AB"), ("o", "O")].into_iter();
    let (abo, said) = known.find(|(known, _)| *known == abo).ok_or(Unfit::Group)?;
    let rhd = rhd.ok_or(Unfit::NoRhesus(said))?;
    Ok(json!({ "abo": abo, "rhd": rhd }))
}

/// Parts in one text.
fn parts(structure: &'static Structure, text: &str) -> Result<Json, Unfit> {
    if text.trim_start().starts_with('{') {
        let object: Map<String, Json> = serde_json::from_str(text).map_err(|_| Unfit::Json)?;
        return Ok(Json::Object(object));
    }
    if ["content", "attachment"].contains(&structure.name) {
        return file(structure, Path::new(text));
    }
    if structure.name == "blood-group" {
        return group(text);
    }
    let mut object = Map::new();
    let (first, named) = named(structure, text);
    for (path, text) in named {
        put(&mut object, &path, text)?;
    }
    let first = match (structure.name, first.rsplit_once(':')) {
        ("reaction", Some((first, severity))) => {
            let path = find(structure, "severity").unwrap_or_default();
            put(&mut object, &path, severity.trim())?;
            first.trim()
        }
        _ => first,
    };
    if !first.is_empty() {
        put(&mut object, &naming(structure), first)?;
    }
    Ok(Json::Object(object))
}

/// A way to a part within parts.
type Way = Vec<&'static Member>;

/// What names the thing, and the parts that are named. A text whose later pieces name no part is
/// taken whole: it may hold a semicolon.
fn named<'t>(structure: &'static Structure, text: &'t str) -> (&'t str, Vec<(Way, &'t str)>) {
    let part = |piece: &'t str| {
        let (name, text) = piece.split_once('=')?;
        Some((find(structure, name.trim())?, text.trim()))
    };
    let mut pieces = text.split(';').map(str::trim).peekable();
    let first = match pieces.peek() {
        Some(first) if part(first).is_none() => pieces.next().unwrap_or_default(),
        _ => "",
    };
    match pieces.map(part).collect::<Option<Vec<_>>>() {
        Some(named) => (first, named),
        None => (text.trim(), Vec::new()),
    }
}

/// The part of a name: of the thing itself, or of what it is made of.
fn find(structure: &'static Structure, name: &str) -> Option<Way> {
    let own = structure.members.iter().find(|member| member.name == name);
    own.map(|member| vec![member]).or_else(|| {
        structure
            .members
            .iter()
            .find_map(|member| match member.shape {
                MemberShape::Value(inner) => {
                    let mut way = vec![member];
                    way.extend(find(inner, name)?);
                    Some(way)
                }
                _ => None,
            })
    })
}

/// The part that names the thing.
fn naming(structure: &'static Structure) -> Way {
    let Some(first) = structure.members.iter().find(|member| member.required) else {
        return Way::new();
    };
    let mut way = vec![first];
    if let MemberShape::Value(inner) = first.shape {
        way.extend(naming(inner));
    }
    way
}

fn put(object: &mut Map<String, Json>, way: &[&'static Member], text: &str) -> Result<(), Unfit> {
    let Some((member, rest)) = way.split_first() else {
        return Ok(());
    };
    if let (MemberShape::Value(_), [_, ..]) = (member.shape, rest) {
        let inner = object.entry(member.name).or_insert_with(|| json!({}));
        return inner
            .as_object_mut()
            .map_or(Ok(()), |inner| put(inner, rest, text));
    }
    let one = value(takes(member.shape), text)?;
    let one = match member.shape {
        MemberShape::List(..) => {
            let mut list = match object.remove(member.name) {
                Some(Json::Array(list)) => list,
                _ => Vec::new(),
            };
            list.push(one);
            Json::Array(list)
        }
        _ => one,
    };
    object.insert(member.name.to_owned(), one);
    Ok(())
}

/// What an entry keeps of a file: digest, size and type. Its bytes stay where they are.
fn file(structure: &Structure, path: &Path) -> Result<Json, Unfit> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let media = match extension.map(str::to_lowercase).as_deref() {
        Some("pdf") => MediaType::Pdf,
        Some("png") => MediaType::Png,
        Some("jpg" | "jpeg") => MediaType::Jpeg,
        Some("dcm") => MediaType::Dicom,
        Some("xml") => MediaType::Cda,
        Some("txt") => MediaType::Plain,
        _ => return Err(Unfit::FileType),
    };
    let mut opened = std::fs::File::open(path).map_err(|_| Unfit::File)?;
    let mut digest = Sha256::new();
    let (mut size, mut buffer) = (0_u64, vec![0; 64 * 1024]);
    loop {
        let read = opened.read(&mut buffer).map_err(|_| Unfit::File)?;
        if read == 0 {
            break;
        }
        digest.update(&buffer[..read]);
        size += read as u64;
    }
    let size = u32::try_from(size).ok().filter(|size| *size > 0);
    let size = size.ok_or(Unfit::File)?;
    let hash: String = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut object = json!({ "hash": hash, "size": size, "media-type": media.code() });
    let name = path.file_name().and_then(|name| name.to_str());
    if let (Some(name), true) = (name, structure.name == "attachment") {
        object["name"] = json!(name);
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    use sync_core::kind::{JsonScalar, Label, PrescriptionLine, Professional, Reaction, Severity};

    use super::*;

    fn typed<T: JsonScalar>(text: &str) -> Result<Json, Unfit> {
        let structure: &'static Structure = Box::leak(Box::new(T::STRUCTURE));
        value(Takes::Parts(structure), text)
    }

    #[test]
    fn what_comes_first_names_the_thing_and_parts_follow_by_name() {
        let typed_as = typed::<Professional>("Dr Anne Petit; profession=médecin; rpps=10101010105");
        let expected = json!({
            "name": "Dr Anne Petit", "profession": "physician", "rpps": "10101010105"
        });
        assert_eq!(typed_as, Ok(expected));
        let line =
            typed::<PrescriptionLine>("Levothyrox 75 µg; dose=0,5; unit=comprimé; renewals=2");
        let regimen = json!({
            "product": { "text": "Levothyrox 75 µg" }, "dose": "0.5", "unit": "comprimé"
        });
        assert_eq!(line, Ok(json!({ "regimen": regimen, "renewals": 2 })));
        let label = typed::<Label>("Asthme; code=195967001; system=http://snomed.info/sct");
        let coded = json!({
            "text": "Asthme", "code": "195967001", "system": "http://snomed.info/sct"
        });
        assert_eq!(label, Ok(coded));
    }

    #[test]
    fn a_text_with_a_semicolon_that_names_no_part_is_taken_whole() {
        for text in ["Vitamine B1 ; B6", "a; b=c; code=1", "x=1"] {
            assert_eq!(typed::<Label>(text), Ok(json!({ "text": text })));
        }
    }

    #[test]
    fn a_reactions_severity_may_follow_a_colon() {
        let mild = json!({ "manifestation": { "text": "urticaire" }, "severity": "mild" });
        for text in [
            "urticaire:mild",
            "urticaire : légère",
            "urticaire; severity=mild",
        ] {
            assert_eq!(typed::<Reaction>(text), Ok(mild.clone()));
        }
        let codes = Unfit::Code(Severity::CODES.to_vec());
        assert_eq!(typed::<Reaction>("urticaire:mid"), Err(codes));
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for (takes, text, why) in [
            (Takes::Date, "hier", Unfit::Date),
            (Takes::Day, "2026-05", Unfit::Day),
            (Takes::Decimal(false), "-1", Unfit::Decimal),
            (Takes::Decimal(true), "1.2.3", Unfit::Decimal),
            (Takes::Number(100), "101", Unfit::Number(100)),
            (Takes::Flag, "peut-être", Unfit::Flag),
            (Takes::Group, "C+", Unfit::Group),
            (Takes::Group, "+", Unfit::Group),
            (Takes::Group, "ab", Unfit::NoRhesus("AB")),
        ] {
            assert_eq!(value(takes, text), Err(why));
        }
        assert_eq!(typed::<Label>("{\"text\":"), Err(Unfit::Json));
    }
}
