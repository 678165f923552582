//! A connection to DAOS that all ranks share, and the container that a run may make and remove.
//!
//! Rank 0 connects and broadcasts its mount as bytes, which costs no round trip. Whatever fails on one rank fails on all, with
//! the message of the first, so that no rank waits for one that has ended.
#![allow(unsafe_code)]

use super::dfs::Dfs;
use super::{AttachState, EngineAddress};
use crate::comm::Comm;
use crate::config::{ApiSpec, Config};
use crate::error::{Error, Result};
use daos_dfs::{ContainerAttributes, GlobalMount, Mount, MountOptions, ObjectClass, Pool, Property, System};
use std::path::PathBuf;
use std::sync::Arc;

/// A mounted container, on every rank.
pub struct Connection {
    /// None only while a new connection is made, or after that failed.
    attached: Option<Attached>,
    pool: String,
    group: Option<String>,
    container: String,
    created: bool,
}

/// What the error says about a container that is not there and that a run would make.
pub const MADE_BY_RUNS: &str = "a run that writes creates it";

/// What is dropped to disconnect, in this order.
struct Attached {
    mount: Mount,
    system: System,
    /// What the agent told rank 0 of the system.
    told: Option<AttachState>,
}

impl Connection {
    /// Rank 0 connects, the others import its mount. A run that `writes` makes the container when it is not there, with the
    /// properties and the placement that the configuration gives.
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::NotThere`] or [`Error::Unavailable`], the same on all ranks.
    pub fn open(spec: &ApiSpec, config: &Config, writes: bool, ranks: &dyn Comm) -> Result<Self> {
        let (pool, container) = names(spec)?;
        let attributes = writes.then(|| attributes(config)).transpose()?;
        let (attached, created) = attach(spec, (&pool, &container), attributes.as_ref(), ranks)?;
        Ok(Connection { attached: Some(attached), pool, group: spec.group.clone(), container, created })
    }

    /// Disconnects, shuts the library down, and connects anew, as a process of its own for each phase would. Collective; no rank may use the
    /// store meanwhile.
    ///
    /// # Errors
    /// As for [`open`](Self::open). Nothing can be done with the connection then.
    pub fn renew(&mut self, spec: &ApiSpec, ranks: &dyn Comm) -> Result<()> {
        // the handles of the other ranks are copies of rank 0's
        ranks.barrier();
        self.attached = None;
        ranks.barrier();
        let (attached, _) = attach(spec, (&self.pool, &self.container), None, ranks)?;
        self.attached = Some(attached);
        Ok(())
    }

    /// Whether there is a connection: not after [`renew`](Self::renew) has failed.
    pub fn is_open(&self) -> bool {
        self.attached.is_some()
    }

    /// The backend on this connection.
    ///
    /// # Panics
    /// Without a connection.
    pub fn backend(&self) -> Dfs<'_> {
        let attached = self.attached.as_ref().expect("a failed reconnect ends the run");
        Dfs {
            mount: &attached.mount,
            pool: &self.pool,
            container: &self.container,
            created: self.created,
            attach: attached.told.as_ref(),
        }
    }

    /// Releases the container and removes it if this run created it. Collective; no rank may use it any more.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the container cannot be removed, the same on all ranks.
    pub fn destroy(self, ranks: &dyn Comm) -> Result<()> {
        let Connection { attached, pool, group, container, created } = self;
        let Some(Attached { mount, system, .. }) = attached else { return Ok(()) };
        drop(mount);
        let destroyed = if created {
            Pool::connect(&system, &pool, group.as_deref(), daos_dfs::AccessMode::ReadWrite)
                // by force: the other ranks' handles are copies of the one that is gone
                .and_then(|pool| pool.destroy_container(&container, true))
                .map_err(|error| because(format!("container {container} cannot be removed: {error}"), error))
        } else {
            Ok(())
        };
        all_succeed(ranks, destroyed)
    }
}

/// Rank 0 connects, the others import its mount; true if it had to make the container.
fn attach(
    spec: &ApiSpec,
    (pool, container): (&str, &str),
    attributes: Option<&ContainerAttributes>,
    ranks: &dyn Comm,
) -> Result<(Attached, bool)> {
    let started = agent().and_then(|()| System::start().map_err(unavailable));
    let system = all_succeed(ranks, started)?;
    let (mut bytes, mut mount, mut created, mut told) = (Vec::new(), None, false, None);
    let connected = if ranks.rank() == 0 {
        connect(&system, spec, pool, container, attributes).and_then(|(connected, made)| {
            bytes = connected.to_global().map_err(unavailable)?.as_bytes().to_vec();
            created = made;
            mount = Some(connected);
            // without an answer the run knows less, and runs as well
            told = system.attach_info(spec.group.as_deref()).ok().flatten().map(attach_state);
            Ok(())
        })
    } else {
        Ok(())
    };
    all_succeed(ranks, connected)?;
    ranks.broadcast(0, &mut bytes);
    let imported = match mount {
        Some(mount) => Ok(mount),
        // SAFETY: the bytes are those of rank 0's `to_global` above: it succeeded on all ranks, and they came by broadcast.
        None => unsafe { GlobalMount::from_bytes(&bytes) }
            .and_then(|global| Mount::from_global(&system, &global, false))
            .map_err(unavailable),
    };
    let mount = all_succeed(ranks, imported)?;
    Ok((Attached { mount, system, told }, created))
}

fn attach_state(told: daos_dfs::AttachInfo) -> AttachState {
    let engines = told.engines.into_iter().map(|(rank, uri)| EngineAddress { rank, uri });
    AttachState {
        system: told.system,
        provider: told.provider,
        engines: engines.collect(),
        management: told.management,
    }
}

/// The same outcome on all ranks.
fn all_succeed<T>(ranks: &dyn Comm, own: Result<T>) -> Result<T> {
    let Some(message) = ranks.first_error(own.as_ref().err().map(ToString::to_string)) else { return own };
    // a mistake that only rank 0 can see is a mistake on all, so that all end alike
    let mut mistake = vec![u8::from(own.as_ref().err().is_some_and(Error::is_mistake))];
    ranks.broadcast(0, &mut mistake);
    match own {
        // with its cause, where it is this rank's own
        Err(error) if error.is_mistake() || (mistake == [0] && error.to_string() == message) => Err(error),
        _ if mistake == [1] => Err(Error::Config(message)),
        _ => Err(Error::unavailable(message)),
    }
}

/// Pool and container: what the configuration says, or what the stand-in has for those that say nothing.
fn names(spec: &ApiSpec) -> Result<(String, String)> {
    let default = daos_dfs::default_pool_and_container();
    let name = |given: &Option<String>, default: Option<&str>, what: &str| {
        given.clone().or_else(|| default.map(str::to_owned)).ok_or_else(|| {
            Error::Config(format!("no {what}: give --{what}, or api = DFS --dfs.{what}=… in the configuration"))
        })
    };
    let pool = name(&spec.pool, default.map(|(pool, _)| pool), "pool")?;
    let container = name(&spec.cont, default.map(|(_, container)| container), "cont")?;
    Ok((pool, container))
}

/// What a container is made with: the global API's classes and chunk, and the properties.
fn attributes(config: &Config) -> Result<ContainerAttributes> {
    let spec = &config.global.api;
    let class = |name: &Option<String>| match name {
        Some(name) => ObjectClass::from_name(name).map_err(Error::invalid),
        None => Ok(ObjectClass::INHERIT),
    };
    let properties = config.bench.cont_properties.as_deref().unwrap_or_default();
    Ok(ContainerAttributes {
        chunk_size: spec.chunk_size.unwrap_or(0),
        dir_class: class(&spec.dir_oclass)?,
        file_class: class(&spec.oclass)?,
        properties: Property::parse_list(properties).map_err(Error::invalid)?,
        ..ContainerAttributes::default()
    })
}

/// Mounts the container; true if it had to be made.
fn connect(
    system: &System,
    spec: &ApiSpec,
    pool_name: &str,
    container: &str,
    attributes: Option<&ContainerAttributes>,
) -> Result<(Mount, bool)> {
    let group = spec.group.as_deref();
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: daos_dfs::Error| {
            let message = format!("{what}: {}", words(&error));
            match error.der().map(daos_dfs::Der::name) {
                Some("DER_NONEXIST" | "DER_CONT_NONEXIST") => {
                    Error::NotThere { message, hint: what_there_is(pool_name), source: Some(Arc::new(error)) }
                }
                // as a name that is not there: the command has to change, or the access list
                Some("DER_NO_PERM") => {
                    Error::NotThere { message, hint: permission(pool_name, container), source: Some(Arc::new(error)) }
                }
                _ if error.errno().is_some_and(|errno| [libc::EPERM, libc::EACCES].contains(&errno.raw())) => {
                    Error::NotThere { message, hint: permission(pool_name, container), source: Some(Arc::new(error)) }
                }
                _ => because(message, error),
            }
        }
    };
    let pool = Pool::connect(system, pool_name, group, daos_dfs::AccessMode::ReadWrite)
        .map_err(failed(&format!("pool {pool_name}")))?;
    let this = format!("container {container} of pool {pool_name}");
    let there = pool.has_container(container).map_err(failed(&this))?;
    let with = match attributes {
        Some(attributes) if !attributes.properties.is_empty() => " with the properties asked for",
        _ => "",
    };
    let created = match attributes.filter(|_| !there).map(|attributes| pool.create_container(container, attributes)) {
        None => false,
        Some(Ok(())) => true,
        // somebody was faster
        Some(Err(error)) if error.errno().is_some_and(|errno| errno.raw() == libc::EEXIST) => false,
        Some(Err(error)) => return Err(failed(&format!("{this} does not exist and cannot be created{with}"))(error)),
    };
    let this = if there || created { this } else { format!("{this} ({MADE_BY_RUNS})") };
    let mut options = MountOptions::new(pool_name, container);
    options.group.clone_from(&spec.group);
    let mount = Mount::connect(system, &options).map_err(failed(&this))?;
    Ok((mount, created))
}

/// How to see who may do what.
fn permission(pool: &str, container: &str) -> String {
    format!(
        "`daos pool get-acl {pool}` and `daos container get-acl {pool} {container}` list the users that may connect, read and write"
    )
}

/// How to see what pools and containers there are.
fn what_there_is(pool: &str) -> String {
    let Some(root) = daos_dfs::standin_root() else {
        return format!("`daos pool list` and `daos cont list {pool}` show what exists; --group names another system");
    };
    let mut pools: Vec<String> = std::fs::read_dir(&root).map_or_else(
        |_| Vec::new(),
        |entries| entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect(),
    );
    // the one that it makes by itself may not have been asked for yet
    pools.extend(daos_dfs::default_pool_and_container().map(|(pool, _)| pool.to_owned()));
    pools.retain(|name| !name.starts_with('.'));
    pools.sort();
    pools.dedup();
    let make = root.join(pool);
    let mut hint = format!("this is the stand-in for DAOS, which has the pool {}", pools.join(", "));
    if !pools.iter().any(|known| known == pool) {
        hint.push_str(&format!(
            ": leave out --pool and --cont, or create a pool of this name: mkdir -p {}",
            make.display()
        ));
    }
    hint
}

fn unavailable(error: daos_dfs::Error) -> Error {
    because(words(&error), error)
}

fn because(message: String, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Unavailable { message, source: Some(Arc::new(source)) }
}

fn words(error: &daos_dfs::Error) -> String {
    let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{error}{hint}")
}

/// Where the engines of a DAOS system listen: their ranks and addresses of the fabric.
///
/// # Errors
/// [`Error::Unavailable`] when the agent or libdaos do not tell.
pub fn engines(group: Option<&str>) -> Result<Vec<(u32, String)>> {
    agent()?;
    let system = System::start().map_err(unavailable)?;
    let told = system.attach_info(group).map_err(unavailable)?;
    told.map(|told| told.engines).ok_or_else(|| {
        Error::unavailable("libdaos has no call for it before 2.6, or is of another version than the one built for")
    })
}

/// Where the agent of this node listens.
pub fn agent_socket() -> PathBuf {
    let directory = std::env::var_os("DAOS_AGENT_DRPC_DIR").filter(|directory| !directory.is_empty());
    PathBuf::from(directory.unwrap_or_else(|| "/var/run/daos_agent".into())).join("daos_agent.sock")
}

/// Whether the agent of this node listens; libdaos itself calls that an unnamed error.
///
/// # Errors
/// [`Error::Unavailable`], with the socket that is not there.
pub fn agent() -> Result<()> {
    let socket = agent_socket();
    if daos_dfs::is_standin() {
        return Ok(());
    }
    match std::os::unix::net::UnixStream::connect(&socket) {
        Ok(_) => Ok(()),
        // the agent's socket keeps packets apart, and only one that somebody listens at says so
        Err(error) if error.raw_os_error() == Some(libc::EPROTOTYPE) => Ok(()),
        Err(error) => {
            let message = format!(
                "no DAOS agent of this node listens at {}: {error} (DER_AGENT_COMM); is daos_agent running here, and \
                 DAOS_AGENT_DRPC_DIR right?",
                socket.display()
            );
            Err(because(message, error))
        }
    }
}
