//! Closed lists of codes that a newer version may lengthen.

use super::Words;

/// The codes of this version, each with its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codes {
    /// As they are written.
    pub codes: &'static [&'static str],
    /// What people read, code by code.
    pub words: &'static [Words],
}

impl Codes {
    /// Whether this version has the code.
    pub fn contains(&self, code: &str) -> bool {
        self.codes.contains(&code)
    }

    /// What people read; nothing for a code of a newer version.
    pub fn words(&self, code: &str) -> Option<Words> {
        let place = self.codes.iter().position(|known| *known == code)?;
        self.words.get(place).copied()
    }
}

/// Defines an enum of codes, kebab-case on the wire, each with its words; a code of a newer
/// version is kept as `Other`.
macro_rules! codes {
    ($(#[$meta:meta])* $name:ident {
        $( $(#[$variant_meta:meta])* $variant:ident = $code:literal, $en:literal, $fr:literal; )*
    }) => {
        $(#[$meta])*
        #[derive(
            Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize,
        )]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )*
            /// A code of a newer version, kept as it is.
            Other(String),
        }

        impl $name {
            /// The codes of this version.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The same as they are written.
            pub const CODES: &'static [&'static str] = &[$($code),*];

            /// The same with their words.
            pub const LIST: &'static $crate::kind::Codes = &$crate::kind::Codes {
                codes: Self::CODES,
                words: &[$($crate::kind::Words::new($en, $fr)),*],
            };

            /// The code as written.
            pub fn code(&self) -> &str {
                match self {
                    $( $name::$variant => $code, )*
                    $name::Other(code) => code,
                }
            }

            /// What people read; nothing for a code of a newer version.
            pub fn words(&self) -> Option<$crate::kind::Words> {
                match self {
                    $( $name::$variant => Some($crate::kind::Words::new($en, $fr)), )*
                    $name::Other(_) => None,
                }
            }

            /// Whether this version has the code.
            pub fn is_known(&self) -> bool {
                !matches!(self, $name::Other(_))
            }
        }

        impl From<&str> for $name {
            fn from(code: &str) -> Self {
                match code {
                    $( $code => $name::$variant, )*
                    _ => $name::Other(code.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(code: String) -> Self {
                $name::from(code.as_str())
            }
        }

        impl From<$name> for String {
            fn from(code: $name) -> Self {
                code.code().to_owned()
            }
        }

        impl $crate::kind::Scalar for $name {
            const SHAPE: $crate::kind::Shape = $crate::kind::Shape::Code(Self::LIST);

            fn to_scalar(&self) -> $crate::entry::Value {
                self.code().into()
            }

            fn from_scalar(value: &$crate::entry::Value) -> Option<Self> {
                value.as_text().map($name::from)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}
pub(crate) use codes;
