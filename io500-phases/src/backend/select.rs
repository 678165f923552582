//! From the configuration to stores: one for each connection that the phases name.

use super::null::Null;
use super::posix::Posix;
use super::{Backend, Description};
use crate::comm::Comm;
use crate::config::{Api, ApiSpec, Config};
use crate::error::{Error, Result};
use crate::phase_id::{Kind, PhaseId};
use crate::plan::Hints;
use std::cell::Cell;
#[cfg(feature = "dfs")]
use std::cell::RefCell;
use std::time::Instant;

/// A visitor of stores of any type: the suite is compiled once for each backend.
pub trait Visit {
    /// The result of the visit.
    type Out;
    /// Visits the store.
    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync;
}

/// The stores of a run.
pub trait Stores {
    /// Takes a visitor to the store that a phase uses.
    fn visit<V: Visit>(&self, phase: PhaseId, visitor: V) -> V::Out;
    /// The data directory inside that store.
    fn datadir(&self, phase: PhaseId) -> &str;
    /// The number of the store that a phase uses: phases with the same number share one.
    fn index(&self, phase: PhaseId) -> usize;
    /// The stores that are open, with the API strings that name them.
    fn describe(&self) -> Vec<(String, Description)>;
    /// Closes the connection that a phase uses, and opens a new one. Collective, between phases; nothing happens where there is none.
    ///
    /// # Errors
    /// Those of opening the store, the same on all ranks.
    fn reconnect(&self, _phase: PhaseId, _ranks: &dyn Comm) -> Result<()> {
        Ok(())
    }
    /// Whether the store of a phase can be visited: not after a reconnect that failed.
    fn is_open(&self, _phase: PhaseId) -> bool {
        true
    }
    /// When the connection that a phase uses was made; none where there is none.
    fn connected(&self, _phase: PhaseId) -> Option<Instant> {
        None
    }
}

/// One store for all phases: how a program uses its own backend.
pub struct Single<B> {
    /// The store.
    pub backend: B,
    /// The data directory inside it.
    pub datadir: String,
}

impl<B: Backend + Sync> Stores for Single<B>
where
    B::Dir: Send + Sync,
{
    fn visit<V: Visit>(&self, _phase: PhaseId, visitor: V) -> V::Out {
        visitor.visit(&self.backend)
    }
    fn datadir(&self, _phase: PhaseId) -> &str {
        &self.datadir
    }
    fn index(&self, _phase: PhaseId) -> usize {
        0
    }
    fn describe(&self) -> Vec<(String, Description)> {
        let description = self.backend.describe();
        vec![(description.api.clone(), description)]
    }
}

/// The stores that a configuration names.
pub struct Selected {
    stores: Vec<Opened>,
    /// For each phase of [`PhaseId::ALL`] the number of its store, where it has one.
    by_phase: Vec<Option<usize>>,
}

struct Opened {
    spec: ApiSpec,
    datadir: String,
    store: Store,
    /// When it was opened, or connected to anew.
    #[cfg_attr(not(feature = "dfs"), allow(dead_code))]
    opened: Cell<Instant>,
    destroy: bool,
}

enum Store {
    #[cfg(feature = "dfs")]
    Dfs(RefCell<super::dfs_connection::Connection>),
    Posix(Posix),
    Null(Null),
}

impl Selected {
    /// Opens what these phases need. `datadir` is the data directory with its timestamp. Collective; the error is the same on
    /// all ranks.
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Invalid`], [`Error::NotThere`] or [`Error::Unavailable`], the same on all ranks.
    pub fn open(config: &Config, phases: &[PhaseId], datadir: &str, ranks: &dyn Comm) -> Result<Self> {
        let writes = phases.iter().any(|phase| phase.kind() == Kind::Write || *phase == PhaseId::MdworkbenchCreate);
        Self::open_for(config, phases, datadir, writes, ranks)
    }

    /// Like [`open`](Self::open), and makes no container.
    ///
    /// # Errors
    /// As for [`open`](Self::open); [`Error::NotThere`] for a container that a run would make.
    pub fn look(config: &Config, phases: &[PhaseId], datadir: &str, ranks: &dyn Comm) -> Result<Self> {
        Self::open_for(config, phases, datadir, false, ranks)
    }

    fn open_for(config: &Config, phases: &[PhaseId], datadir: &str, writes: bool, ranks: &dyn Comm) -> Result<Self> {
        let mut stores: Vec<Opened> = Vec::new();
        let mut by_phase = vec![None; PhaseId::ALL.len()];
        for &phase in phases {
            let api = &config.phase(phase).api;
            let spec = connection(api);
            let index = match stores.iter().position(|opened| opened.spec == spec) {
                Some(index) => index,
                None => {
                    stores.push(Opened::new(spec, config, datadir, writes, ranks)?);
                    stores.len() - 1
                }
            };
            stores[index].destroy |= api.destroy || config.bench.destroy;
            by_phase[phase as usize] = Some(index);
        }
        Ok(Selected { stores, by_phase })
    }

    /// Closes the stores after the last phase, and removes containers that this run created where that is asked for. Collective.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when a container cannot be removed, the same on all ranks.
    pub fn close(self, ranks: &dyn Comm) -> Result<()> {
        let _ = ranks; // without libdfs there is nothing to broadcast
        for opened in self.stores {
            match opened.store {
                #[cfg(feature = "dfs")]
                Store::Dfs(connection) if opened.destroy => connection.into_inner().destroy(ranks)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Closes the stores before anything was written, and removes the containers that this run created. Collective.
    ///
    /// # Errors
    /// As for [`close`](Self::close).
    pub fn give_up(mut self, ranks: &dyn Comm) -> Result<()> {
        self.stores.iter_mut().for_each(|opened| opened.destroy = true);
        self.close(ranks)
    }

    fn of(&self, phase: PhaseId) -> &Opened {
        &self.stores[self.index(phase)]
    }
}

impl Opened {
    fn new(spec: ApiSpec, config: &Config, datadir: &str, writes: bool, ranks: &dyn Comm) -> Result<Self> {
        let _ = (config, writes, ranks); // without libdfs nothing is opened together
        let (store, datadir) = match &spec.api {
            #[cfg(feature = "dfs")]
            Api::Dfs => {
                let datadir = super::dfs::without_prefix(datadir, spec.prefix.as_deref());
                let connection = super::dfs_connection::Connection::open(&spec, config, writes, ranks)?;
                (Store::Dfs(RefCell::new(connection)), datadir)
            }
            Api::Posix => (Store::Posix(Posix::new(datadir, spec.odirect)), datadir.to_owned()),
            Api::Null => (Store::Null(Null), datadir.to_owned()),
            other => return Err(Error::Config(format!("the API {other} is not supported"))),
        };
        Ok(Opened { spec, datadir, store, opened: Cell::new(Instant::now()), destroy: false })
    }
}

impl Stores for Selected {
    fn visit<V: Visit>(&self, phase: PhaseId, visitor: V) -> V::Out {
        match &self.of(phase).store {
            #[cfg(feature = "dfs")]
            Store::Dfs(connection) => visitor.visit(&connection.borrow().backend()),
            Store::Posix(posix) => visitor.visit(posix),
            Store::Null(null) => visitor.visit(null),
        }
    }

    fn datadir(&self, phase: PhaseId) -> &str {
        &self.of(phase).datadir
    }

    fn index(&self, phase: PhaseId) -> usize {
        self.by_phase[phase as usize].expect("stores are opened for every phase of the run")
    }

    fn describe(&self) -> Vec<(String, Description)> {
        let describe = |opened: &Opened| match &opened.store {
            #[cfg(feature = "dfs")]
            Store::Dfs(connection) => connection.borrow().backend().describe(),
            Store::Posix(posix) => posix.describe(),
            Store::Null(null) => null.describe(),
        };
        self.stores.iter().map(|opened| (opened.spec.to_string(), describe(opened))).collect()
    }

    fn reconnect(&self, phase: PhaseId, ranks: &dyn Comm) -> Result<()> {
        let _ = ranks; // without libdfs there is no connection
        let opened = self.of(phase);
        match &opened.store {
            #[cfg(feature = "dfs")]
            Store::Dfs(connection) => {
                connection.borrow_mut().renew(&opened.spec, ranks)?;
                opened.opened.set(Instant::now());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn is_open(&self, phase: PhaseId) -> bool {
        match &self.of(phase).store {
            #[cfg(feature = "dfs")]
            Store::Dfs(connection) => connection.borrow().is_open(),
            _ => true,
        }
    }

    fn connected(&self, phase: PhaseId) -> Option<Instant> {
        let opened = self.of(phase);
        match &opened.store {
            #[cfg(feature = "dfs")]
            Store::Dfs(_) => Some(opened.opened.get()),
            _ => None,
        }
    }
}

/// The part of an API string that tells one connection from another.
fn connection(spec: &ApiSpec) -> ApiSpec {
    ApiSpec { chunk_size: None, oclass: None, dir_oclass: None, destroy: false, ..spec.clone() }
}

/// Checks the properties of a container that the run makes; an unknown one is an error that lists those there are.
///
/// # Errors
/// [`Error::Invalid`] as above.
pub fn properties(config: &Config) -> Result<()> {
    match &config.bench.cont_properties {
        #[cfg(feature = "dfs")]
        Some(list) => daos_dfs::Property::parse_list(list).map(drop).map_err(Error::invalid),
        _ => Ok(()),
    }
}

/// The placement that an API string asks for. Classes are checked by name; an unknown one is an error that lists the nearest.
///
/// # Errors
/// [`Error::Invalid`] as above.
pub fn hints(spec: &ApiSpec) -> Result<Hints> {
    #[cfg(feature = "dfs")]
    let class = |name: &Option<String>| match name {
        Some(name) => daos_dfs::ObjectClass::from_name(name).map(daos_dfs::ObjectClass::id).map_err(Error::invalid),
        None => Ok(0),
    };
    #[cfg(not(feature = "dfs"))]
    let class = |name: &Option<String>| match name {
        Some(name) => Err(Error::Config(format!("object class {name}: this program was built without DAOS"))),
        None => Ok(0),
    };
    Ok(Hints {
        file_class: class(&spec.oclass)?,
        dir_class: class(&spec.dir_oclass)?,
        chunk: spec.chunk_size.unwrap_or(0),
    })
}
