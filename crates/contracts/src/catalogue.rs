//! The catalogue: which schema has which id.
//!
//! The bundled schemas have fixed ids, which the embedded bus uses as they stand; the table only ever grows. With a registry, whoever
//! talks to it builds a catalogue from the same texts under the registry's ids. Schemas of other writers are learnt while reading.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

use serde_avro_fast::Schema;
use serde_avro_fast::schema::{Name, SchemaMut};
use serde_json::Value;

use crate::foreign::Foreign;
use crate::phi::{self, PhiField};
use crate::subject::Subject;

/// A schema bundled with this build.
#[derive(Clone, Copy, Debug)]
pub struct Bundled {
    /// What it describes.
    pub subject: Subject,
    /// The version of that.
    pub version: u32,
    /// Its fixed id.
    pub id: u32,
    /// The Rabin fingerprint of its canonical form: changing a published schema needs a new version.
    pub fingerprint: u64,
    /// Its text.
    pub text: &'static str,
}

macro_rules! bundled {
    ($($id:literal $subject:ident $version:literal $fingerprint:literal $path:literal)*) => {
        /// The bundled schemas. Rows are added at the end and never changed.
        pub const BUNDLED: &[Bundled] = &[$(Bundled {
            subject: Subject::$subject,
            version: $version,
            id: $id,
            fingerprint: $fingerprint,
            text: include_str!(concat!("../../../schemas/", $path, ".avsc")),
        }),*];
    };
}

bundled! {
    1 IntakeRequest 1 0x1fd6_1a59_472b_4a37 "intake-request/v1"
    2 IdentityWork 1 0xd9b3_e2b2_f4d7_9ebd "identity-work/v1"
    3 DispatchWork 1 0xc24c_c056_03d6_7b4e "dispatch-work/v1"
    4 PartnerMessage 1 0xe1e6_81f3_984e_9718 "partner-message/v1"
    5 Command 1 0xc9f9_a583_ff3e_8441 "command/v1"
    6 LifecycleEvent 1 0x78d4_6abe_b9bf_ef71 "lifecycle-event/v1"
    7 Outcome 1 0x3445_5b96_1d7a_b71e "outcome/v1"
    8 DeadLetter 1 0xfa4f_440e_10a0_3de8 "dead-letter/v1"
    9 MemberRecord 1 0x1d18_238b_cd9f_60fe "member-record/v1"
    10 Policy 1 0xfb49_be8e_d4ee_f055 "policy/v1"
    11 Dossier 1 0x173e_7104_aa46_298c "dossier/v1"
    12 RosterMember 1 0x20ad_983b_c1a1_1c70 "roster-member/v1"
    13 MemoryIntake 1 0x7f9a_9bcf_a3b2_ff77 "memory-intake/v1"
    14 MemoryIdentity 1 0xac0a_9728_47af_9d7d "memory-identity/v1"
    15 MemoryDispatch 1 0x070c_2dda_cf8c_aa8b "memory-dispatch/v1"
    16 MemoryReconciliation 1 0xffbf_3573_811e_08b8 "memory-reconciliation/v1"
    17 MemoryTriage 1 0xca81_b292_40c1_2846 "memory-triage/v1"
    18 MemoryFleet 1 0x7ce3_75d8_2235_6afd "memory-fleet/v1"
    19 IdentityWork 2 0xb98c_8cf1_556a_7e70 "identity-work/v2"
    20 DispatchWork 2 0xc3a1_fd91_0892_15c6 "dispatch-work/v2"
    21 LifecycleEvent 2 0xa838_1d9d_e7fc_8066 "lifecycle-event/v2"
    22 Outcome 2 0xc741_786c_30e1_d911 "outcome/v2"
    23 MemoryIdentity 2 0xcf76_2bb1_ec39_86e2 "memory-identity/v2"
    24 MemoryDispatch 2 0xaf5d_3b38_d60a_f16a "memory-dispatch/v2"
    25 MemoryReconciliation 2 0xba9a_d45f_5c40_b273 "memory-reconciliation/v2"
    26 LifecycleEvent 3 0x2251_b24d_bc3d_ea70 "lifecycle-event/v3"
    27 MemoryReconciliation 3 0x0564_7fe9_9650_3278 "memory-reconciliation/v3"
    28 LifecycleEvent 4 0x40a4_7cb9_bd62_3456 "lifecycle-event/v4"
    29 Command 2 0xedcb_5f31_e841_8130 "command/v2"
    30 IdentityWork 3 0xc026_e88b_38dc_d1a6 "identity-work/v3"
    31 MemoryIdentity 3 0x498f_a104_ccf8_92e8 "memory-identity/v3"
    32 GuardVerdict 1 0xea2e_fa42_d9db_dd8b "guard-verdict/v1"
    33 MemoryReconciliation 4 0x075a_c2c0_9127_7b4c "memory-reconciliation/v4"
    34 RosterMember 2 0x2402_7e72_c9fd_1216 "roster-member/v2"
    35 LifecycleEvent 5 0x49f5_2d31_9aa9_4dfb "lifecycle-event/v5"
    36 MemoryReconciliation 5 0x999b_3b61_0e2f_76ca "memory-reconciliation/v5"
    37 Command 3 0x09fb_e4a5_d3a8_ea33 "command/v3"
    38 MemoryReconciliation 6 0xf2cf_83fe_ea4e_df66 "memory-reconciliation/v6"
    39 MemoryIdentity 4 0x34d3_5417_d1e8_5d55 "memory-identity/v4"
}

/// Schemas by id, and by what this build writes.
#[derive(Debug)]
pub struct Catalogue {
    known: BTreeMap<u32, Known>,
    /// The id this build writes each subject with, by the subject's place in [`Subject::ALL`].
    written: [u32; Subject::ALL.len()],
    /// What was learnt since, of other writers. Kept apart, so that values of our own are read without a lock.
    learnt: RwLock<BTreeMap<u32, Foreign>>,
}

/// A schema under an id, given at the start or learnt since.
pub(crate) enum Held<'c> {
    Given(&'c Known),
    Learnt(Arc<Known>),
}

/// A schema under an id.
pub(crate) struct Known {
    pub(crate) subject: Subject,
    /// The version of the subject, where a change of shape that serde's defaults don't bridge needs an upcast.
    pub(crate) version: u32,
    pub(crate) schema: Schema,
    pub(crate) json: Value,
}

/// Why schemas make no catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// A text is no Avro schema.
    #[error("schema {id} of {subject} is malformed")]
    Malformed {
        /// Its id.
        id: u32,
        /// Its subject.
        subject: Subject,
    },
    /// The version this build writes is not among them.
    #[error("no schema given for {subject} version {version}")]
    Missing {
        /// The subject.
        subject: Subject,
        /// The version this build writes.
        version: u32,
    },
}

// === impl Catalogue ===

impl Catalogue {
    /// The bundled schemas under their fixed ids.
    pub fn bundled() -> Self {
        let rows = BUNDLED.iter().map(|row| (row.id, row.subject, row.version, row.text));
        Self::new(rows).expect("the bundled schemas are well-formed and complete, as the tests show")
    }

    /// A catalogue of schemas as (id, subject, version, text), as a registry numbers them.
    pub fn new<'t>(rows: impl IntoIterator<Item = (u32, Subject, u32, &'t str)>) -> Result<Self, CatalogueError> {
        let mut known = BTreeMap::new();
        for (id, subject, version, text) in rows {
            let parsed = Known::parse(subject, version, text);
            known.insert(id, parsed.ok_or(CatalogueError::Malformed { id, subject })?);
        }
        let mut written = [0; Subject::ALL.len()];
        for (place, subject) in written.iter_mut().zip(Subject::ALL) {
            let version = subject.version();
            *place = *known
                .iter()
                .find(|(_, known): &(_, &Known)| (known.subject, known.version) == (subject, version))
                .ok_or(CatalogueError::Missing { subject, version })?
                .0;
        }
        Ok(Self { known, written, learnt: RwLock::default() })
    }

    /// The id this build writes a subject with.
    pub fn id(&self, subject: Subject) -> u32 {
        self.written[subject as usize]
    }

    /// The subject and version of an id. Learnt schemas count as the version this build writes.
    pub fn lookup(&self, id: u32) -> Option<(Subject, u32)> {
        self.known(id).map(|known| (known.subject, known.version))
    }

    /// Takes in another writer's schema. An id that is known keeps its meaning: ids are given once.
    pub fn learn(&self, id: u32, foreign: Foreign) {
        if !self.known.contains_key(&id) {
            self.learnt.write().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert(foreign);
        }
    }

    /// The schema this build writes a subject with, as JSON.
    pub fn schema(&self, subject: Subject) -> &Value {
        &self.writer(subject).1.json
    }

    /// The fields of a subject that hold PHI.
    pub fn phi_fields(&self, subject: Subject) -> Vec<PhiField> {
        phi::marks(self.schema(subject))
    }

    /// The id and schema this build writes a subject with.
    pub(crate) fn writer(&self, subject: Subject) -> (u32, &Known) {
        let id = self.id(subject);
        (id, &self.known[&id])
    }

    pub(crate) fn known(&self, id: u32) -> Option<Held<'_>> {
        let learnt = || {
            let learnt = self.learnt.read().unwrap_or_else(PoisonError::into_inner);
            learnt.get(&id).map(|foreign| Held::Learnt(Arc::clone(foreign.known())))
        };
        self.known.get(&id).map(Held::Given).or_else(learnt)
    }
}

// === impl Held ===

impl Deref for Held<'_> {
    type Target = Known;

    fn deref(&self) -> &Known {
        match self {
            Self::Given(known) => known,
            Self::Learnt(known) => known,
        }
    }
}

// === impl Known ===

impl Known {
    pub(crate) fn parse(subject: Subject, version: u32, text: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(text).ok()?;
        let mut nodes: SchemaMut = text.parse().ok()?;
        // Union branches are matched with enum variants by full name and Rust has no namespaces. Names don't touch the encoding.
        for name in nodes.nodes_mut().iter_mut().filter_map(|node| node.type_.name_mut()) {
            *name = Name::from_fully_qualified_name(name.name());
        }
        Some(Self { subject, version, schema: nodes.freeze().ok()?, json })
    }
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} v{}", self.subject, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::ForeignError;

    #[test]
    fn the_table_only_grows() {
        assert!(BUNDLED.is_sorted_by(|a, b| a.id < b.id), "rows are added at the end");
        for (row, id) in BUNDLED.iter().zip(1..) {
            assert_eq!(row.id, id, "no id is left out or used twice");
        }
        for subject in Subject::ALL {
            let versions: Vec<_> = BUNDLED.iter().filter(|row| row.subject == subject).map(|row| row.version).collect();
            let expected: Vec<_> = (1..=subject.version()).collect();
            assert_eq!(versions, expected, "{subject}");
        }
    }

    #[test]
    fn a_published_schema_never_changes() {
        let changed = BUNDLED.iter().filter_map(|row| {
            let schema: Schema = row.text.parse().expect("a schema");
            let fingerprint = u64::from_le_bytes(*schema.rabin_fingerprint());
            (row.fingerprint != fingerprint)
                .then(|| format!("{} v{} is now {fingerprint:#018x}", row.subject, row.version))
        });
        let changed: Vec<_> = changed.collect();
        assert!(changed.is_empty(), "give a changed schema a new version: {changed:#?}");
    }

    #[test]
    fn a_schema_tells_its_subject_by_its_name() {
        for row in BUNDLED {
            let foreign = Foreign::parse(row.text).expect("a schema of ours");
            assert_eq!(foreign.subject(), row.subject, "{} v{}", row.subject, row.version);
        }
        let stranger = Foreign::parse(r#"{"type": "record", "name": "Command", "namespace": "navy", "fields": []}"#);
        assert_eq!(stranger.expect_err("not ours"), ForeignError::NotOurs);
        let broken = Foreign::parse(r#"{"type": "record", "name": "Command", "namespace": "waybill"}"#);
        assert_eq!(broken.expect_err("no fields"), ForeignError::Malformed);
    }

    #[test]
    fn an_id_that_is_known_keeps_its_meaning() {
        let catalogue = Catalogue::bundled();
        let command = || Foreign::parse(BUNDLED[4].text).expect("a schema of ours");
        catalogue.learn(1, command());
        assert_eq!(catalogue.lookup(1), Some((Subject::IntakeRequest, 1)));
        assert_eq!(catalogue.lookup(900), None);
        catalogue.learn(900, command());
        assert_eq!(catalogue.lookup(900), Some((Subject::Command, 3)));
        catalogue.learn(900, Foreign::parse(BUNDLED[0].text).expect("a schema of ours"));
        assert_eq!(catalogue.lookup(900), Some((Subject::Command, 3)));
    }

    #[test]
    fn a_registry_numbers_schemas_as_it_likes() {
        let rows = || BUNDLED.iter().map(|row| (row.id * 1000 + 7, row.subject, row.version, row.text));
        let catalogue = Catalogue::new(rows()).expect("a catalogue");
        assert_eq!(catalogue.id(Subject::IdentityWork), 30_007);
        assert_eq!(catalogue.lookup(2007), Some((Subject::IdentityWork, 1)));
        assert_eq!(catalogue.lookup(2), None);
        let missing = Catalogue::new(rows().skip(1)).expect_err("incomplete");
        assert_eq!(missing, CatalogueError::Missing { subject: Subject::IntakeRequest, version: 1 });
        let malformed = Catalogue::new([(9, Subject::Command, 1, "{\"type\": \"recrod\"}")]).expect_err("no schema");
        assert_eq!(malformed, CatalogueError::Malformed { id: 9, subject: Subject::Command });
    }
}
