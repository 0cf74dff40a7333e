#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The installed tree: complete, and enough for a program that was written for libxm-linux."""

import os
import subprocess
import shutil

from harness import ALICE, BUILD, DEMO_XML, SANITIZED, TOP, Broker, Folder, NotRun, run_all
from policies import ONE_USER

FILES = """
usr/sbin/xmbroker usr/sbin/xmsim usr/bin/xmpolicy usr/bin/xmaudit usr/bin/xmbrokerctl
usr/libexec/xmbroker/xmbroker-server usr/libexec/xmbroker/xmbroker-compiler
usr/include/xm.h usr/include/xm-linux.h usr/include/xm/hypercalls.def
usr/lib/libxm.so usr/lib/libxm.a usr/lib/libxm-linux.a usr/lib/pkgconfig/libxm.pc
usr/share/xmbroker/examples/hello.c usr/share/xmbroker/common/rules.mk
usr/share/xmbroker/policy/demo.yaml usr/share/xmbroker/policy/demo.xml
usr/share/xmbroker/policy/lab.yaml usr/share/xmbroker/policy/lab.xml usr/share/xmbroker/policy/lab.md
usr/share/xmbroker/policy/spacecraft.yaml usr/share/xmbroker/policy/spacecraft.xml
usr/share/xmbroker/policy/spacecraft.md usr/share/xmbroker/policy/avionics.yaml
usr/share/xmbroker/policy/avionics.xml usr/share/xmbroker/policy/avionics.md
usr/share/man/man7/xm_hypercalls.7 usr/share/man/man8/xmbroker.8
usr/share/bash-completion/completions/xmpolicy usr/share/zsh/site-functions/_xmpolicy
""".split()

# As such programs are: the 2.4 way to start, raw calls, errno printed.
OLD_PROGRAM = r"""
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <xm_inc/arch/arch_types.h>
#include <xm-linux.h>
int main(void)
{
	xmTime_t t;
	int ret;

	init_libxm(0, 0);
	printf("self %d\n", (int)XM_PARTITION_SELF);
	ret = XM_write_console("old\n", 4);
	printf("console %d\n", ret);
	ret = XM_get_time(XM_HW_CLOCK, &t);
	printf("time %d\n", ret);
	ret = XM_suspend_partition(1);
	printf("suspend %d\n", ret);
	ret = XM_resume_partition(1);
	printf("resume %d\n", ret);
	ret = XM_halt_partition(1);
	printf("halt %d\n", ret);
	ret = XM_reset_partition(1, XM_COLD_RESET, 0);
	printf("reset %d\n", ret);
	ret = XM_hcall(suspend_partition_nr, 2, 0, 0, 0, 0);
	printf("hcall %d\n", ret);
	ret = XM_halt_system();
	printf("halt_system %d: %s\n", ret, strerror(errno));
	return 0;
}
"""
OLD_ANSWER = """self 0
console 4
time 0
suspend 0
resume 0
halt 0
reset 0
hcall 0
halt_system -3: Operation not permitted
"""


def make(*args, **options):
    done = subprocess.run(["make", "-C", TOP, "B=" + os.path.relpath(BUILD, TOP), *args],
                          capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


class Installed(Folder):
    def __init__(self):
        if SANITIZED:
            raise NotRun("programs are not linked against sanitized libraries")
        super().__init__()

    def __enter__(self):
        make("install", "DESTDIR=" + self.path, "PREFIX=/usr")
        self.usr = os.path.join(self.path, "usr")
        return self

    def build_examples(self):
        """Copies the examples out, as a user would, and builds them with their own makefile."""
        copy = self.file("copy")
        shutil.copytree(os.path.join(self.usr, "share/xmbroker"), copy)
        done = subprocess.run(["make", "-C", os.path.join(copy, "examples"),
                               "XM_PREFIX=" + self.usr], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return os.path.join(copy, "examples")


def test_every_file_is_there():
    with Installed() as tree:
        missing = [f for f in FILES if not os.path.exists(os.path.join(tree.path, f))]
        assert not missing, missing


def test_installed_broker_runs_from_anywhere():
    with Installed() as tree, Broker(ONE_USER, start=False) as broker:
        broker.command[0] = os.path.join(tree.usr, "sbin/xmbroker")
        broker.start()
        assert broker.calls(ALICE, "get_time 0") == [(0, "-")]


def test_program_written_for_libxm_linux():
    with Installed() as tree, Broker(ONE_USER, "sim:" + DEMO_XML) as broker:
        source = tree.file("old.c", OLD_PROGRAM)
        old = tree.file("old")
        lib = os.path.join(tree.usr, "lib")
        done = subprocess.run(["gcc", "-Wall", "-Werror", "-I" + os.path.join(tree.usr, "include"),
                               source, "-o", old, "-L" + lib, "-lxm-linux"],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        done = broker.run(ALICE, [old])
        assert done.stdout == OLD_ANSWER, done
        done = subprocess.run(["gcc", "-I" + os.path.join(tree.usr, "include"), source, "-o", old,
                               "-L" + lib, "-lxm", "-Wl,-rpath," + lib.replace(",", "")],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        done = broker.run(ALICE, [old])
        assert done.stdout == OLD_ANSWER, done


def test_pkg_config():
    with Installed() as tree:
        env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(tree.usr, "lib/pkgconfig"))
        done = subprocess.run(["pkg-config", "--cflags", "--libs", "libxm"], env=env,
                              capture_output=True, text=True)
        assert done.returncode == 0 and "-lxm" in done.stdout, done


def test_examples_print_what_they_should():
    with Installed() as tree, Broker(ONE_USER, "sim:" + DEMO_XML) as broker:
        folder = tree.build_examples()
        done = broker.run(ALICE, [os.path.join(folder, "hello")])
        assert (done.returncode, done.stdout) == (0, "XM_write_console: 14\n"), done
        done = broker.run(ALICE, [os.path.join(folder, "gettime")])
        assert done.returncode == 0 and done.stdout.startswith("XM_get_time: "), done
        t1, t2, rest = done.stdout[len("XM_get_time: "):].replace(":", "").split()
        assert 900000 < int(rest) < 3000000 and int(t2) > int(t1), done
        done = broker.run(ALICE, [os.path.join(folder, "hcall"), "2", "1"])
        assert (done.returncode, done.stdout) == (
            0, "0 = XM_hcall(0x2, 0x1, 0x0, 0x0, 0x0, 0x0)\n"), done
        done = broker.run(ALICE, [os.path.join(folder, "part_manager")])
        assert done.returncode == 255 and "usage: part_manager partitionId" in done.stdout + \
            done.stderr, done
        done = broker.run(ALICE, [os.path.join(folder, "part_manager"), "1", "halt"])
        assert done.returncode == 255 and "error: milliseconds" in done.stdout, done
        done = broker.run(ALICE, [os.path.join(folder, "part_manager"), "1", "1"])
        assert done.returncode == 0, done
        assert done.stdout.startswith("Partition manager running on partition 0\n"), done
        assert "waiting 10 seconds to suspend partition 1:.......... done\n" in done.stdout, done
        calls = [r["op"] for r in broker.records(type="decision")
                 if r["op"].endswith("_partition")][1:]
        assert calls == ["XM_suspend_partition", "XM_resume_partition", "XM_halt_partition",
                         "XM_reset_partition"], calls


def test_refused_example_prints_errno():
    with Installed() as tree, Broker(ONE_USER.replace('"@console", ', "")) as broker:
        done = broker.run(ALICE, [os.path.join(tree.build_examples(), "hello")])
        assert done.returncode == 255, done
        assert done.stdout == "error: XM_write_console: 1 Operation not permitted\n", done


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
