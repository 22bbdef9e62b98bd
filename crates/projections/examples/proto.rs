use sqlx::sqlite::*;
use sqlx::{Connection, Executor, AssertSqlSafe, Arguments};
use std::sync::Arc;
use std::time::{Instant, Duration};
fn uuid(n: u64, salt: u64) -> [u8;16] { let mut x = n.wrapping_mul(0x9E3779B97F4A7C15) ^ salt; let mut id=[0;16]; for c in id.chunks_mut(8){ x ^= x>>30; x = x.wrapping_mul(0xbf58476d1ce4e5b9); x^= x>>27; x=x.wrapping_mul(0x94d049bb133111eb); x^=x>>31; c.copy_from_slice(&x.to_be_bytes()); } id }
fn text(id: &[u8;16]) -> String { String::from_utf8(domain::ids::uuid_text(id).to_vec()).unwrap() }
fn env(n:&str,d:u64)->u64{std::env::var(n).ok().and_then(|v|v.parse().ok()).unwrap_or(d)}
#[tokio::main(flavor="multi_thread", worker_threads=2)]
async fn main() {
    let blob = env("BLOB",0)==1; let index = env("INDEX",1); let chunk = env("CHUNK",256) as usize; let batch = env("BATCH",20000); let total = env("TOTAL",1_000_000);
    let fast = env("FAST",0)==1; let detail = env("DETAIL",150) as usize; let window = env("WINDOW",2000); let sorted = env("SORTED",0)==1; let cause=env("CAUSE",1)==1;
    let path = "/tmp/proto.db"; for s in ["","-wal","-shm"] { let _=std::fs::remove_file(format!("{path}{s}")); }
    let mut o = SqliteConnectOptions::new().filename(path).create_if_missing(true).statement_cache_capacity(300)
        .pragma("cache_size", format!("-{}", env("CACHE_MB",64)*1024)).page_size(env("PAGE",4096) as u32).pragma("temp_store","memory");
    o = if fast { o.journal_mode(SqliteJournalMode::Off).synchronous(SqliteSynchronous::Off).locking_mode(SqliteLockingMode::Exclusive) } else { o.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Normal).pragma("wal_autocheckpoint", env("CKPT",1000).to_string()) };
    use sqlx::ConnectOptions;
    let mut c = o.disable_statement_logging().connect().await.unwrap();
    c.execute("create table timeline(request_id text not null, log_partition int not null, log_offset int not null, appended_at int not null, at int not null, by text not null, version text not null, kind text not null, state text not null, step text not null, left_state text, spent_ms int, detail text not null, cause text not null)").await.unwrap();
    let mk = "create unique index tl on timeline(request_id, log_partition, log_offset)";
    if index==1 { c.execute(mk).await.unwrap(); }
    let cols = 14;
    let sql: Arc<str> = Arc::from(format!("insert into timeline values {}", (0..chunk).map(|_| format!("({})", vec!["?";cols].join(","))).collect::<Vec<_>>().join(",")));
    let detail: Arc<str> = Arc::from("x".repeat(detail));
    let start = Instant::now(); let mut enc=Duration::ZERO; let mut n=0u64;
    while n < total {
        let mut tx = c.begin().await.unwrap();
        let mut rows: Vec<(u64,u64)> = (n..n+batch).map(|i| { let block=i/(window*7); let within=i%(window*7); (block*window+within%window, i) }).collect();
        if sorted { rows.sort_by_key(|r| uuid(r.0,1)); }
        for part in rows.chunks(chunk) {
            let t=Instant::now();
            let mut a = SqliteArguments::default(); a.reserve(cols*chunk,0);
            for (r,i) in part {
                let id=uuid(*r,1);
                if blob { a.add(&id[..]).unwrap(); } else { a.add(text(&id)).unwrap(); }
                a.add((i%12) as i64).unwrap(); a.add((i/12) as i64).unwrap(); a.add(1700000000000i64+*i as i64).unwrap(); a.add(1700000000000i64+*i as i64).unwrap();
                a.add("identity").unwrap(); a.add("0.1.0").unwrap(); a.add("identity_matched").unwrap(); a.add("identity_matched").unwrap(); a.add("advanced").unwrap();
                a.add("validated").unwrap(); a.add(123i64).unwrap(); a.add(detail.clone()).unwrap();
                let cz=uuid(*i,2); if !cause { a.add("").unwrap() } else if blob { a.add(&cz[..]).unwrap(); } else { a.add(text(&cz)).unwrap(); }
            }
            enc+=t.elapsed();
            if part.len()==chunk { sqlx::query_with(AssertSqlSafe(sql.clone()), a).execute(&mut *tx).await.unwrap(); }
            else { let s=format!("insert into timeline values {}", (0..part.len()).map(|_| format!("({})", vec!["?";cols].join(","))).collect::<Vec<_>>().join(",")); sqlx::query_with(AssertSqlSafe(s), a).execute(&mut *tx).await.unwrap(); }
        }
        tx.commit().await.unwrap(); n+=batch;
    }
    let load=start.elapsed();
    if index==2 { c.execute(mk).await.unwrap(); }
    let el=start.elapsed();
    println!("blob={blob} index={index} chunk={chunk} batch={batch} fast={fast} sorted={sorted}: {:.0}/s encode {:.2}us/row load {:.2}us total {:.2}us/row size {} MB", n as f64/el.as_secs_f64(), enc.as_secs_f64()*1e6/n as f64, load.as_secs_f64()*1e6/n as f64, el.as_secs_f64()*1e6/n as f64, std::fs::metadata(path).unwrap().len()>>20);
}
