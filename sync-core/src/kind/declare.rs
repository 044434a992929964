//! One declaration a kind: its field table, its draft, its partial edit, and the way between them
//! and an entry.

use super::Scalar;

/// A member of a set: what it is kept under besides the set's name.
pub trait SetMember: Scalar {
    /// The member's name: the same for what is the same.
    fn member(&self) -> String;

    /// Its place among the others in a form; members of one place by name.
    fn place(&self) -> u32 {
        0
    }
}

/// Declares the draft and the partial edit of a kind with its field table.
///
/// A row is `member: Type = KEY, "English", "French"`, after it perhaps a [`super::Join`]; a bound
/// of a text or number stands in brackets after its type. Rows come in groups, in this order, each
/// of which may be left out:
///
/// | group | in the draft | in the edit |
/// | --- | --- | --- |
/// | `fixed_required` | `T` | no |
/// | `required` | `T` | `Option<T>` |
/// | `flag` | `bool`, written at creation when true | no |
/// | `fixed` | `Option<T>` | no |
/// | `optional` | `Option<T>` | `Edit<T>` |
/// | `set` | `Vec<T>` | `Vec<T>`: members to add or to rewrite |
/// | `fixed_set` | `Vec<T>` | no |
///
/// The first row says what the entry is about. `common` lists rows that say more of a common key
/// than [`super::common::FIELDS`]; `check` names a function that checks the whole draft.
macro_rules! kind {
    (
        $(#[$draft_meta:meta])* $draft:ident,
        $(#[$patch_meta:meta])* $patch:ident: $kind:expr;
        $(check $check:path;)?
        $(fixed_required { $( $(#[$frm:meta])* $fr:ident: $frt:ty $([$frb:expr])? = $frk:expr, $fren:literal, $frfr:literal; )* })?
        $(required { $( $(#[$rm:meta])* $r:ident: $rt:ty $([$rb:expr])? = $rk:expr, $ren:literal, $rfr:literal $(, $rj:expr)?; )* })?
        $(flag { $( $(#[$gm:meta])* $g:ident = $gk:expr, $gen:literal, $gfr:literal; )* })?
        $(fixed { $( $(#[$fm:meta])* $f:ident: $ft:ty $([$fb:expr])? = $fk:expr, $fen:literal, $ffr:literal; )* })?
        $(optional { $( $(#[$om:meta])* $o:ident: $ot:ty $([$ob:expr])? = $ok:expr, $oen:literal, $ofr:literal $(, $oj:expr)?; )* })?
        $(set { $( $(#[$sm:meta])* $s:ident: $st:ty = $sk:expr, $sen:literal, $sfr:literal; )* })?
        $(fixed_set { $( $(#[$hm:meta])* $h:ident: $ht:ty = $hk:expr, $hen:literal, $hfr:literal; )* })?
        $(common { $($common:expr),* $(,)? })?
    ) => {
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        $(#[$draft_meta])*
        pub struct $draft {
            $($( $(#[$frm])* pub $fr: $frt, )*)?
            $($( $(#[$rm])* pub $r: $rt, )*)?
            $($( $(#[$gm])* #[serde(default)] pub $g: bool, )*)?
            $($( $(#[$fm])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $f: Option<$ft>, )*)?
            $($( $(#[$om])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $o: Option<$ot>, )*)?
            $($( $(#[$sm])* #[serde(default, skip_serializing_if = "Vec::is_empty")] pub $s: Vec<$st>, )*)?
            $($( $(#[$hm])* #[serde(default, skip_serializing_if = "Vec::is_empty")] pub $h: Vec<$ht>, )*)?
            /// What every entry carries.
            #[serde(flatten)]
            pub common: $crate::kind::Common,
        }

        impl $draft {
            /// The fields of the kind beside the common ones.
            pub(crate) const FIELDS: &'static [$crate::kind::FieldSpec] = {
                use $crate::kind::Scalar;
                &[
                    $($( $crate::kind::FieldSpec::new($frk, <$frt as Scalar>::SHAPE, $fren, $frfr) $(.at_most($frb))?.required().fixed(), )*)?
                    $($( $crate::kind::FieldSpec::new($rk, <$rt as Scalar>::SHAPE, $ren, $rfr) $(.at_most($rb))?.required() $(.joins($rj))?, )*)?
                    $($( $crate::kind::FieldSpec::new($gk, $crate::kind::Shape::Flag, $gen, $gfr).fixed(), )*)?
                    $($( $crate::kind::FieldSpec::new($fk, <$ft as Scalar>::SHAPE, $fen, $ffr) $(.at_most($fb))?.fixed(), )*)?
                    $($( $crate::kind::FieldSpec::new($ok, <$ot as Scalar>::SHAPE, $oen, $ofr) $(.at_most($ob))? $(.joins($oj))?, )*)?
                    $($( $crate::kind::FieldSpec::new($sk, <$st as Scalar>::SHAPE, $sen, $sfr).joins($crate::kind::Join::Union), )*)?
                    $($( $crate::kind::FieldSpec::new($hk, <$ht as Scalar>::SHAPE, $hen, $hfr).joins($crate::kind::Join::Union).fixed(), )*)?
                    $($( $common, )*)?
                ]
            };

            $crate::kind::declare::constructor! {
                [$($($fr: $frt,)*)? $($($r: $rt,)*)?]
                [$($($g)*)? $($($f)*)? $($($o)*)? $($($s)*)? $($($h)*)?]
            }

            /// The writes that create it.
            ///
            /// # Errors
            /// Names the first field that cannot stand.
            pub fn writes(&self) -> Result<Vec<$crate::entry::Write>, $crate::kind::Invalid> {
                let mut out = $crate::kind::write::Drafted::new($kind);
                $( $check(self)?; )?
                $($( out.scalar($frk, &self.$fr); )*)?
                $($( out.scalar($rk, &self.$r); )*)?
                $($( out.flag($gk, self.$g.then_some(true)); )*)?
                $($( out.maybe($fk, self.$f.as_ref()); )*)?
                $($( out.maybe($ok, self.$o.as_ref()); )*)?
                $($( out.members($sk, &self.$s); )*)?
                $($( out.members($hk, &self.$h); )*)?
                self.common.write(&mut out);
                out.finish()
            }

            /// What stands in an entry, as a form shows it; where several values stand, one of
            /// them. Nothing when something required does not stand.
            pub fn read(from: &dyn $crate::kind::Read) -> Option<Self> {
                Some($draft {
                    $($( $fr: from.scalar($frk)?, )*)?
                    $($( $r: from.scalar($rk)?, )*)?
                    $($( $g: from.flag($gk).unwrap_or(false), )*)?
                    $($( $f: from.scalar($fk), )*)?
                    $($( $o: from.scalar($ok), )*)?
                    $($( $s: from.set($sk), )*)?
                    $($( $h: from.set($hk), )*)?
                    common: $crate::kind::Common::read(from),
                })
            }
        }

        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        $(#[$patch_meta])*
        pub struct $patch {
            $($( $(#[$rm])* #[serde(skip_serializing_if = "Option::is_none")] pub $r: Option<$rt>, )*)?
            $($( $(#[$om])* #[serde(skip_serializing_if = "crate::kind::Edit::is_keep")] pub $o: $crate::kind::Edit<$ot>, )*)?
            $($( $(#[$sm])* #[serde(skip_serializing_if = "Vec::is_empty")] pub $s: Vec<$st>, )*)?
            /// What every entry carries.
            #[serde(flatten)]
            pub common: $crate::kind::CommonPatch,
        }

        impl $patch {
            /// The writes of the edit.
            ///
            /// # Errors
            /// Names the first field that cannot stand.
            pub fn writes(&self) -> Result<Vec<$crate::entry::Write>, $crate::kind::Invalid> {
                let mut out = $crate::kind::write::Drafted::patch($kind);
                $($( out.maybe($rk, self.$r.as_ref()); )*)?
                $($( out.edit($ok, &self.$o); )*)?
                $($( out.members($sk, &self.$s); )*)?
                self.common.write(&mut out);
                out.finish()
            }
        }
    };
}
pub(crate) use kind;

/// A draft's constructor; none where nothing is required.
macro_rules! constructor {
    ([] [$($rest:ident)*]) => {};
    ([$($required:ident: $type:ty,)+] [$($rest:ident)*]) => {
        /// A draft with what is required.
        pub fn new($($required: impl Into<$type>),+) -> Self {
            Self {
                $($required: $required.into(),)+
                $($rest: Default::default(),)*
                common: $crate::kind::Common::default(),
            }
        }
    };
}
pub(crate) use constructor;
