#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every system call and allocation of supervisor, server and compiler fails once, with its main error;
`make faults` has the others.  See tests/fault/driver.py."""

import os
import random
import re
import subprocess
import sys

from harness import BUILD, SANITIZED, NotRun, run_all

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../fault"))
import driver

# On a machine that does nothing else it takes an eighth of this.
SECONDS = 900
# Functions of the C library that the programs may use and libfault.so does not make fail.
PURE = set("""
    __ctype_b_loc __ctype_tolower_loc __ctype_toupper_loc __cxa_finalize __errno_location
    __gmon_start__ _ITM_deregisterTMCloneTable _ITM_registerTMCloneTable __libc_start_main
    __stack_chk_fail __isoc99_sscanf __isoc99_fscanf __explicit_bzero_chk explicit_bzero
    __memcpy_chk __memmove_chk __memset_chk __strcpy_chk __strncpy_chk __strcat_chk __strncat_chk
    __snprintf_chk __vsnprintf_chk snprintf vsnprintf sscanf memchr memrchr memcmp memcpy memmem
    memmove mempcpy memset rawmemchr stpcpy strcasecmp strncasecmp strchr strchrnul strcmp strcpy
    strcspn strerror strerror_r __xpg_strerror_r strlen strncmp strncpy strnlen strpbrk strrchr
    strsignal strspn strstr strtok_r strtol strtoll strtoul strtoull strtod sigabbrev_np
    sigdescr_np strverscmp getopt_long optarg optind opterr optopt stderr stdout stdin environ
    program_invocation_short_name program_invocation_name gmtime_r timegm
    sigaddset sigdelset sigemptyset sigfillset inet_pton htonl ntohl htons ntohs toupper tolower
    isatty_ __fdelt_chk __sched_cpucount gnu_get_libc_version abs labs __tls_get_addr
    rand_r bsearch __stpcpy_chk strerrorname_np strerrordesc_np strftime strptime strsep
    dl_iterate_phdr alphasort getauxval
""".split())
# They end, cannot fail, or give back; or only what is told on standard error is lost.
NEVER_FAIL = set("""
    _exit exit abort free fclose closedir munmap getpid getppid gettid getuid geteuid getgid getegid
    umask tzset getenv secure_getenv unsetenv setenv clearenv mallopt malloc_trim __fprintf_chk
    __printf_chk __vfprintf_chk __dprintf_chk __vdprintf_chk fprintf printf vfprintf dprintf
    vdprintf perror qsort qsort_r sched_yield raise sigsuspend pause alarm atexit __cxa_atexit
    openlog closelog syslog __syslog_chk __vsyslog_chk vsyslog localtime_r fileno fseek ftell rewind
    clearerr ferror feof setvbuf sysconf gai_strerror endpwent endgrent setpwent setgrent
    freeaddrinfo sleep usleep __gcov_dump mlock2_
""".split())


def need_preloading():
    if SANITIZED:
        raise NotRun("a sanitizer's runtime has to be the first library")
    if not os.path.exists(os.path.join(BUILD, "tests/libfault.so")):
        raise NotRun("no libfault.so in this build")
    driver.stage_library()


def symbols(path, *options):
    done = subprocess.run(["nm", "-D", *options, path], capture_output=True, text=True, check=True)
    return {line.split()[-1] for line in done.stdout.splitlines()}


def test_no_function_of_the_c_library_is_forgotten():
    need_preloading()
    wrapped = {s.split("@")[0] for s in symbols(driver.LIBRARY, "--defined-only")}
    for name in driver.OURS:
        used = {s.split("@")[0] for s in symbols(os.path.join(BUILD, name), "--undefined-only")
                if "GLIBC" in s}
        forgotten = used - wrapped - PURE - NEVER_FAIL
        assert not forgotten, "%s: neither made to fail nor known not to: %s" % (name, sorted(forgotten))


def expect_wrong(scenario_class, what, otherwise):
    """That the scenario finds this wrong."""
    with scenario_class("xmbroker-server") as scenario:
        try:
            scenario.run()
        except driver.Wrong as wrong:
            assert what in str(wrong), wrong
            return
    raise AssertionError(otherwise)


def test_a_call_that_is_not_recorded_is_noticed():
    need_preloading()

    class Lossy(driver.Scenario):
        """One that counts a call of each operation less than were recorded."""

        def audited(self):
            return {name: count - 1 for name, count in super().audited().items()}

    expect_wrong(Lossy, "was forwarded", "a decision that is missing went unnoticed")


def test_a_log_that_was_altered_is_noticed():
    need_preloading()

    class Altered(driver.Scenario):
        def judge_log(self):
            for name in os.listdir(self.file("log")):
                path = self.file("log/" + name)
                if re.fullmatch(r"audit\.jsonl(\.[0-9]+)?", name):
                    with open(path) as f:
                        text = f.read()
                    with open(path, "w") as f:
                        f.write(text.replace('"decision":"deny"', '"decision":"allow"'))
            super().judge_log()

    expect_wrong(Altered, "chain", "a record that was altered went unnoticed")


def test_every_place_fails_once():
    need_preloading()
    jobs, n_sites = driver.list_jobs(False, list(driver.OURS))
    assert min(n_sites.values()) > 40, n_sites
    sys.stdout.flush()
    random.shuffle(jobs)
    wrong, missed, late = driver.run_jobs(jobs, 2, "# ", SECONDS)
    print("# summary: %s, %d runs, %d of which did not come to their fault%s"
          % (", ".join("%d places of the %s" % (n, name) for name, n in n_sites.items()),
             len(jobs) - late, missed, "; NO TIME for %d more" % late if late else ""))
    assert not wrong, "%d places, see above" % len(wrong)
    assert missed <= len(jobs) // 20, missed
    assert not late, "%d places were not tried: the machine is too slow" % late


if __name__ == "__main__":
    raise SystemExit(run_all(globals()))
