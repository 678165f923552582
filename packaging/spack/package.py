# Spack: put this file into var/spack/repos/…/packages/dfs_bench/ of a repository of recipes, then
#   spack install dfs-bench ^openmpi        or ^mpich
from spack.package import *


class DfsBench(Package):
    """A native IO500 for DAOS: every MPI rank calls libdfs itself, and the run explains its own number."""

    homepage = "https://github.com/OWNER/dfs-bench"
    url = "https://github.com/OWNER/dfs-bench/archive/refs/tags/v0.1.0.tar.gz"
    git = "https://github.com/OWNER/dfs-bench.git"

    license("MIT OR Apache-2.0", checked_by="OWNER")

    version("main", branch="main")
    # version("0.1.0", sha256="…")  with the first release

    variant("daos", default=False, description="Link the DAOS of the system; else its stand-in, which is for tests only")
    variant("hwloc", default=True, description="Topology files for the audit of nodes")

    depends_on("c", type="build")
    depends_on("rust@1.88:", type="build")
    depends_on("llvm+clang", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi")
    depends_on("hwloc@2:", when="+hwloc")
    depends_on("daos", when="+daos")

    def setup_build_environment(self, env):
        env.set("DAOS_SYS_PROVIDER", "system" if self.spec.satisfies("+daos") else "standin")
        env.set("MPICC", self.spec["mpi"].mpicc)
        env.set("LIBCLANG_PATH", self.spec["llvm"].prefix.lib)
        if self.spec.satisfies("+daos"):
            env.set("DAOS_PREFIX", self.spec["daos"].prefix)

    def install(self, spec, prefix):
        features = [] if spec.satisfies("+hwloc") else ["--no-default-features"]
        which("cargo")("build", "--release", "--locked", *features)
        make("install", f"PREFIX={prefix}", "BIN=target/release/dfs-bench")

    def test_version(self):
        """the program starts and says what it was linked with"""
        which(self.prefix.bin.join("dfs-bench"))("--version")
