"""The suite as a ReFrame test: it passes when the run finished and no byte was wrong, and its rates come from result.json.

    reframe -c packaging/reframe/dfs_bench.py -r
    reframe -c packaging/reframe/dfs_bench.py -r -S store='--pool tank --cont bench' -S stonewall=300 -S sizes= -S num_ranks=160

With a real stonewall of 300 s, `-S strict=1` also wants the strict verdict to be valid.
"""
import importlib.util
import os

import reframe as rfm
import reframe.utility.sanity as sn

_path = os.path.join(os.path.dirname(__file__), "..", "figures.py")
_spec = importlib.util.spec_from_file_location("figures", _path)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)


@rfm.simple_test
class DfsBench(rfm.RunOnlyRegressionTest):
    descr = "IO500 by dfs-bench"
    valid_systems = ["*"]
    valid_prog_environs = ["*"]

    program = variable(str, value="dfs-bench")
    store = variable(str, value="--api posix --datadir data")
    # sizes for a test of seconds; empty for a run of five minutes and more in each write phase
    sizes = variable(
        str,
        value="--set ior-easy.blockSize=2m --set ior-hard.segmentCount=10 --set mdtest-easy.n=50 --set mdtest-hard.n=50",
    )
    stonewall = variable(int, value=1)
    num_ranks = variable(int, value=2)
    strict = variable(int, value=0)

    @run_before("run")
    def command(self):
        self.num_tasks = self.num_ranks
        self.executable = self.program
        self.executable_opts = [self.store, self.sizes, f"--stonewall {self.stonewall}", "--resultdir results"]
        self.keep_files = ["results"]

    @run_before("sanity")
    def read(self):
        self.figures = dict(_module.figures(os.path.join(self.stagedir, "results")))

    @sanity_function
    def finished(self):
        wanted = ["finished"] + (["official-valid", "strict-valid"] if self.strict else [])
        return sn.all([sn.assert_eq(self.figures[name][0], 1, f"{name} is not 1") for name in wanted])

    @run_before("performance")
    def rates(self):
        names = [name for name in self.figures if not name.endswith("-valid") and name != "finished"]
        self.perf_variables = {
            name: sn.make_performance_function(sn.defer(self.figures[name][0]), self.figures[name][1] or "points")
            for name in names
        }
