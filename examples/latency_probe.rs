//! How long single operations take, one after the other, on any store: the first thing to know before tuning ranks and depth.
//!
//! ```text
//! cargo run --release --example latency_probe -- /mnt/fs/dir
//! cargo run --release --example latency_probe -- "DFS --dfs.pool tank --dfs.cont bench" /
//! ```

use io500_phases::backend::select::{Selected, Stores, Visit};
use io500_phases::backend::{Access, Backend};
use io500_phases::comm::{Comm, Solo};
use io500_phases::config::Config;
use io500_phases::engine::Ticker;
use io500_phases::error::{Errno, OpResult};
use io500_phases::name::NumberedName;
use io500_phases::phase_id::PhaseId;
use io500_phases::plan::Hints;

const FILES: u64 = 1000;
const BYTES: usize = 4096;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).skip(1).collect();
    let (api, dir) = match arguments.as_slice() {
        [dir] => ("POSIX", dir),
        [api, dir] => (api.as_str(), dir),
        _ => return Err("usage: latency_probe [API] DIRECTORY".into()),
    };
    probe(api, dir)
}

fn probe(api: &str, dir: &str) -> Result<(), Box<dyn std::error::Error>> {
    let (config, _) = Config::builder().flag("global", "api", api, "API").build()?;
    let comm: &dyn Comm = &Solo::new();
    let phase = PhaseId::MdtestEasyWrite;
    let store = Selected::open(&config, &[phase], dir, comm)?;
    let dir = store.datadir(phase).to_owned();
    let probe = Probe { dir: &dir, ticker: Ticker::real() };
    store.visit(phase, probe).map_err(|Errno(errno)| std::io::Error::from_raw_os_error(errno))?;
    Ok(())
}

/// Times operations in a directory of its own, which it removes again.
struct Probe<'a> {
    dir: &'a str,
    ticker: Ticker,
}

impl Visit for Probe<'_> {
    type Out = OpResult<()>;

    fn visit<B: Backend + Sync>(self, store: &B) -> OpResult<()>
    where
        B::Dir: Send + Sync,
    {
        let above = store.open_path(self.dir)?;
        store.mkdir(&above, c"latency-probe", Hints::default())?;
        let dir = store.open_dir(&above, c"latency-probe")?;
        let mut names = NumberedName::new("file.");
        let mut data = [7; BYTES];
        println!("{FILES} files of {BYTES} bytes in {}, microseconds:", self.dir);
        println!("{:>14} {:>9} {:>9} {:>9} {:>9}", "", "least", "p50", "p99", "most");
        self.time("create, close", |i| {
            let file = store.create(&dir, names.with(i), Hints::default())?;
            store.close(file)
        })?;
        let file = store.open(&dir, names.with(0), Access::ReadWrite)?;
        self.time("write", |i| store.write_at(&file, i * BYTES as u64, &data))?;
        self.time("read", |i| store.read_at(&file, i * BYTES as u64, &mut data).map(drop))?;
        store.close(file)?;
        self.time("stat", |i| store.stat(&dir, names.with(i)).map(drop))?;
        self.time("open, close", |i| store.close(store.open(&dir, names.with(i), Access::Read)?))?;
        self.time("remove", |i| store.unlink(&dir, names.with(i)))?;
        drop(dir);
        store.rmdir(&above, c"latency-probe")
    }
}

impl Probe<'_> {
    fn time(&self, name: &str, mut operation: impl FnMut(u64) -> OpResult<()>) -> OpResult<()> {
        let mut nanos = Vec::with_capacity(FILES as usize);
        for i in 0..FILES {
            let begin = self.ticker.ticks();
            operation(i)?;
            nanos.push(self.ticker.nanos(begin, self.ticker.ticks()));
        }
        nanos.sort_unstable();
        let at = |share: f64| nanos[((nanos.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
        println!("{name:>14} {:>9.1} {:>9.1} {:>9.1} {:>9.1}", at(0.0), at(0.5), at(0.99), at(1.0));
        Ok(())
    }
}

#[test]
fn it_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    probe("POSIX", dir.path().to_str().unwrap()).unwrap();
    assert_eq!(dir.path().read_dir().unwrap().count(), 0);
}
