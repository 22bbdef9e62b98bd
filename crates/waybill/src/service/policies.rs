//! The matching policies of the fleet: which one is in force, which is rehearsed, for whom; and how people change that.

use std::collections::BTreeMap;

use contracts::Topic;
use domain::ids::OperatorId;
use domain::messages::PolicyRecord;
use domain::{Message, PartnerId, Timestamp};
use identity::Rollout;
use identity::rollout::{Judge, MATCHING, NEXT, ROLLOUT, Share};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Service;
use crate::ask::TakeBack;
use crate::compose::Plant;
use crate::exit::Failure;
use crate::log::Tail;
use crate::tables::fault;

/// What stands on the topic of policies, and what follows from it.
pub(super) struct Book {
    records: BTreeMap<String, PolicyRecord>,
    rollout: Rollout,
}

/// A policy somebody wants published.
pub(super) struct Publication {
    pub(super) text: String,
    pub(super) rehearsed: bool,
    pub(super) operator: OperatorId,
    pub(super) again: bool,
}

/// What was done, and how things stand after it.
#[derive(Serialize)]
pub(super) struct Changed {
    done: String,
    policies: Vec<Row>,
}

/// A policy and what it does.
#[derive(Serialize)]
pub(super) struct Row {
    role: &'static str,
    version: u32,
    /// The digest of the policy.
    digest: String,
    /// What events call it: a digest of the policy together with identity's own.
    in_events: String,
    matches_ppm: u32,
    review_ppm: u32,
    acts_on: String,
    since: Option<String>,
    by: Option<String>,
    share_since: Option<String>,
    share_by: Option<String>,
}

const IN_FORCE: &str = "in force";
const DEPLOYED: &str = "deployed";
const REHEARSED: &str = "rehearsed";

// === impl Book ===

impl Book {
    /// Reads the topic to its end.
    pub(super) fn read(plant: &Plant) -> Result<Self, Failure> {
        let mut book = Self { records: BTreeMap::new(), rollout: plant.tables.identity.clone() };
        for (record, message) in Tail::of(plant, Topic::Policies)?.all()? {
            let Some(name) = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok()) else { continue };
            match (record.value, message) {
                (None, _) => {
                    book.records.remove(name);
                    book.rollout.learn(name, None);
                }
                (Some(_), Some(Message::Policy(policy))) => {
                    book.rollout.learn(name, Some(&policy));
                    book.records.insert(name.to_owned(), *policy);
                }
                // What can't be read is passed over by the workers too.
                (Some(_), _) => {}
            }
        }
        Ok(book)
    }

    /// The policies as identity holds them, the records all taken in.
    pub(super) fn rollout(&self) -> &Rollout {
        &self.rollout
    }

    /// The policy in force.
    pub(super) fn in_force(&self) -> &Judge {
        self.rollout.acting()
    }

    /// The policy in rehearsal, with its record.
    pub(super) fn rehearsed(&self) -> Option<(Judge, &PolicyRecord)> {
        let record = self.records.get(NEXT)?;
        Some((judge(&self.rollout, &record.text).ok()?, record))
    }

    /// For whom that acts already.
    fn share(&self) -> Option<(Share, &PolicyRecord)> {
        let record = self.records.get(ROLLOUT)?;
        Some((Share::parse(&record.text).ok()?, record))
    }

    fn rows(&self, deployed: &Judge) -> Vec<Row> {
        let acting = self.in_force();
        // Where the record in force does not read, the policy of before is in force, and its record is gone.
        let activated = self.records.get(MATCHING).filter(|record| record.version == acting.policy().version);
        let mut rows = vec![Row::of(IN_FORCE, acting, activated)];
        if deployed != acting {
            rows.push(Row { acts_on: "nobody".into(), ..Row::of(DEPLOYED, deployed, None) });
        }
        if let Some((next, record)) = self.rehearsed() {
            let mut row = Row { acts_on: NOBODY.into(), ..Row::of(REHEARSED, &next, Some(record)) };
            if let Some((share, given)) = self.share().filter(|(share, _)| *share != Share::default()) {
                row.acts_on = told(&share);
                row.share_since = Some(given.activated_at.to_string());
                row.share_by = Some(given.activated_by.to_string());
                rows[0].acts_on = "the others, and is rehearsed on the share".into();
            }
            rows.push(row);
        }
        rows
    }
}

const EVERYBODY: &str = "everybody";
const NOBODY: &str = "nobody, rehearsed only";

// === impl Row ===

impl Row {
    fn of(role: &'static str, judge: &Judge, record: Option<&PolicyRecord>) -> Self {
        let (policy, reference) = (judge.policy(), judge.reference);
        Self {
            role,
            version: policy.version,
            digest: format!("{:016x}", policy.digest),
            in_events: hex::encode(reference.digest),
            matches_ppm: policy.decide.matches,
            review_ppm: policy.decide.review,
            acts_on: EVERYBODY.into(),
            since: record.map(|record| record.activated_at.to_string()),
            by: record.map(|record| record.activated_by.to_string()),
            share_since: None,
            share_by: None,
        }
    }
}

/// Which policies there are.
pub(super) fn show(plant: &Plant) -> Result<Vec<Row>, Failure> {
    Ok(Book::read(plant)?.rows(plant.tables.identity.acting()))
}

/// Puts a policy in force or in rehearsal.
pub(super) fn publish(service: &Service, publication: Publication) -> Result<Changed, Failure> {
    let Publication { text, rehearsed, operator, again } = publication;
    let plant = &service.plant;
    let book = Book::read(plant)?;
    let next = judge(book.rollout(), &text)?;
    let (version, acting) = (next.policy().version, book.in_force());
    if next.policy().digest == acting.policy().digest {
        return Err(Failure::Refused(format!("version {version} with this very content is in force already")));
    }
    if version <= acting.policy().version && !again {
        let newest = acting.policy().version;
        return Err(Failure::Refused(format!(
            "version {version} is not newer than version {newest}, which is in force; raise `version` in the file, or give --again"
        )));
    }
    let name = if rehearsed { NEXT } else { MATCHING };
    let mut changes = vec![(name, Some(record(name, version, text, operator, now(plant))))];
    // What was rehearsed has passed its rehearsal.
    if !rehearsed && book.rehearsed().is_some_and(|(rehearsed, _)| rehearsed == next) {
        changes.extend([(NEXT, None), (ROLLOUT, None)]);
    }
    // A share was given to the policy that was rehearsed then.
    if rehearsed && book.share().is_some() {
        changes.push((ROLLOUT, None));
    }
    service.feed.policies(changes)?;
    let is_alike = next.policy().survivorship == acting.policy().survivorship;
    let verb = match (rehearsed, is_alike) {
        (true, true) => "is rehearsed on every request, and acts on none",
        // There is one roster.
        (true, false) => {
            "is rehearsed on every request, and acts on none; whose word stands where sources differ goes by the policy in force until \
             this one is, and `waybill policy match replay` tries it"
        }
        (false, _) => "is in force",
    };
    changed(plant, format!("version {version} {verb}"))
}

/// Lets the rehearsed policy act on a share.
pub(super) fn roll_out(
    service: &Service,
    percent: u8,
    partners: &[PartnerId],
    operator: OperatorId,
) -> Result<Changed, Failure> {
    let plant = &service.plant;
    if let Some(unknown) = partners.iter().find(|partner| plant.tables.partners.get(partner).is_none()) {
        let known: Vec<&str> = plant.tables.partners.iter().map(|partner| partner.id.as_str()).collect();
        return Err(Failure::NotFound(format!("there is no partner {unknown}; there are {}", known.join(", "))));
    }
    let book = Book::read(plant)?;
    let Some((next, _)) = book.rehearsed() else {
        let remedy = "rehearse one first, with `waybill policy match canary FILE`";
        return Err(Failure::Refused(format!("no policy is rehearsed that could act on a share; {remedy}")));
    };
    let share = Share { percent, partners: partners.iter().map(ToString::to_string).collect() };
    let text = toml::to_string(&share).map_err(|error| Failure::Other(error.into()))?;
    Share::parse(&text).map_err(|error| Failure::Input(fault(&error, &text)))?;
    let version = next.policy().version;
    service.feed.policies(vec![(ROLLOUT, Some(record(ROLLOUT, version, text, operator, now(plant))))])?;
    changed(plant, format!("version {version} acts on {}", told(&share)))
}

/// Takes something back; what was before holds again at once.
pub(super) fn take_back(service: &Service, what: TakeBack) -> Result<Changed, Failure> {
    let plant = &service.plant;
    let book = Book::read(plant)?;
    let has = |name: &str| book.records.contains_key(name);
    let is_rehearsing = has(NEXT) || has(ROLLOUT);
    let (share, rehearsal, activated) = match what {
        TakeBack::Share => (has(ROLLOUT), false, false),
        TakeBack::Rehearsal => (is_rehearsing, is_rehearsing, false),
        TakeBack::LastStep => (is_rehearsing, is_rehearsing, !is_rehearsing && has(MATCHING)),
        TakeBack::All => (is_rehearsing, is_rehearsing, has(MATCHING)),
    };
    let all = [
        (share, ROLLOUT, "the share"),
        (rehearsal, NEXT, "the rehearsal"),
        (activated, MATCHING, "the activated policy"),
    ];
    let taken: Vec<_> = all.into_iter().filter(|(is_taken, ..)| *is_taken).collect();
    if taken.is_empty() {
        return Err(Failure::NotFound(
            "there is nothing to take back; `waybill policy match show` tells what there is".into(),
        ));
    }
    let told: Vec<&str> = taken.iter().map(|(.., told)| *told).collect();
    service.feed.policies(taken.iter().map(|(_, name, _)| (*name, None)).collect())?;
    tracing::info!(taken_back = told.join(", "), "matching policies were taken back");
    changed(plant, format!("taken back: {}", told.join(", ")))
}

fn changed(plant: &Plant, done: String) -> Result<Changed, Failure> {
    Ok(Changed { done, policies: show(plant)? })
}

/// The judge that a policy's text makes, together with identity's own policy.
pub(super) fn judge(rollout: &Rollout, text: &str) -> Result<Judge, Failure> {
    let policy = matching::Policy::parse(text).map_err(|error| Failure::Input(fault(&error, text)))?;
    Ok(Judge::of(rollout.identity(), policy))
}

fn record(name: &str, version: u32, text: String, activated_by: OperatorId, activated_at: Timestamp) -> PolicyRecord {
    let digest = Sha256::digest(text.as_bytes()).into();
    PolicyRecord { name: name.to_owned(), version, text, digest, activated_by, activated_at }
}

fn now(plant: &Plant) -> Timestamp {
    Timestamp(plant.clock.now_ms())
}

fn told(share: &Share) -> String {
    let percent = (0 < share.percent).then(|| format!("{} of 100 requests", share.percent));
    let partners = (!share.partners.is_empty()).then(|| format!("all with {}", share.partners.join(", ")));
    let both: Vec<String> = percent.into_iter().chain(partners).collect();
    if both.is_empty() { NOBODY.into() } else { both.join(" and ") }
}
