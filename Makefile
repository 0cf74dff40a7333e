# SPDX-License-Identifier: LGPL-2.1-or-later
#
# xmbroker: one makefile for all of it.
#
#   make            build everything into build/
#   make demo       install what is needed, build, show the main job on the simulated hypervisor
#   make check      install what is needed, build, run all tests
#   make M32=1      the client library for 32-bit x86, into build/m32 (make M32=1 deps: what it needs);
#                   M32=1 install puts it into PREFIX/lib32
#   make CROSS_COMPILE=aarch64-linux-gnu-
#                   all of it for arm64, into build/aarch64-linux-gnu, with Debian's libraries for it
#                   unpacked there (SYSROOT=folder: with those in the folder)
#   make help       the other targets
#
# V=1 shows the commands; CC, CFLAGS, LDFLAGS, PREFIX, LIBDIR, DESTDIR are honoured; B is the build
# folder.

VERSION := 0.1.0
PREFIX ?= /usr/local
LIBDIR ?= $(if $(M32),lib32,lib)
DESTDIR ?=
M32 ?=
CROSS_COMPILE ?=
triplet := $(CROSS_COMPILE:%-=%)
B ?= $(if $(M32),build/m32,$(if $(triplet),build/$(triplet),build))
tool = $(if $(filter default undefined,$(origin $(1))),$(CROSS_COMPILE)$(2),$($(1)))
CC := $(call tool,CC,gcc)
CXX := $(call tool,CXX,g++)
AR := $(call tool,AR,ar)
LD := $(call tool,LD,ld)
OBJCOPY := $(call tool,OBJCOPY,objcopy)
Q := $(if $(V),,@)
comma := ,
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')

# ---- flags ----------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wformat=2 \
	-Wundef -Wwrite-strings -Wpointer-arith
machine := $(shell $(CC) -dumpmachine 2>/dev/null)
# Indirect jumps and returns that cannot be bent, where the processor knows of it.
control_flow := $(if $(filter x86_64-% i%86-%,$(machine)),-fcf-protection)$(if \
	$(filter aarch64-%,$(machine)),-mbranch-protection=standard)
HARDENING := -fstack-protector-strong -fstack-clash-protection $(control_flow) \
	-ftrivial-auto-var-init=zero -D_FORTIFY_SOURCE=2
ifneq ($(findstring clang,$(CC)),)
# Zero-initialisation has to be asked for twice before clang 16.
HARDENING += -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang
endif
ifeq ($(SANITIZE),)
OPT ?= -O2 -g
else
OPT ?= -O1 -g
SANITIZERS := $(if $(filter thread,$(SANITIZE)),thread,address$(comma)undefined)
HARDENING := -fsanitize=$(SANITIZERS) -fno-sanitize-recover=all -fno-omit-frame-pointer
SANITIZE_LD := -fsanitize=$(SANITIZERS)
endif
ifneq ($(COVERAGE),)
# What tests/coverage/keep.c needs: counters in sections of their own, which threads and children share.
OPT := -O0 -g
HARDENING := --coverage -fprofile-update=atomic -fdata-sections -DXM_COVERAGE_BUILD
SANITIZE_LD := --coverage $(B)/tests/keep.o -Wl,-T,tests/coverage/keep.ld
endif
ifneq ($(M32),)
# The headers of the kernel's own architecture (asm/) are where the 32-bit compiler does not look
# unless gcc-multilib is installed, with which no cross compiler can be.
MACHINE := -m32 -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -idirafter /usr/include/x86_64-linux-gnu
LD_MACHINE := -m elf_i386
endif
ifneq ($(triplet),)
# What Debian has for the other architecture, but for the C library, which comes with the compiler.
debian_arch := $(if $(filter aarch64-%,$(triplet)),arm64,$(if $(filter x86_64-%,$(triplet)),amd64,$(firstword \
	$(subst -, ,$(triplet)))))
SYSROOT ?= $(B)/sysroot
sysroot_done := $(if $(filter file,$(origin SYSROOT)),$(B)/sysroot/done)
MACHINE := -isystem $(SYSROOT)/usr/include -isystem $(SYSROOT)/usr/include/$(triplet)
SYSROOT_LD := $(foreach d,usr/lib/$(triplet) lib/$(triplet),-L$(SYSROOT)/$(d) -Wl,-rpath-link,$(SYSROOT)/$(d))
endif
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DXM_VERSION='"$(VERSION)"' $(MACHINE) $(OPT) $(WARNINGS) \
	$(WERROR) $(HARDENING) -fPIC -fvisibility=hidden -Iinclude -I. $(CFLAGS)
ALL_LDFLAGS = -Wl,-z,relro,-z,now,-z,noexecstack $(SANITIZE_LD) $(SYSROOT_LD) $(LDFLAGS)
PIE := -pie

# ---- parts: explicit lists ------------------------------------------------------------------------

# Small base of all; no library.
core_src := $(addprefix libxm/core/,table.c request.c mask.c wire.c wire_call.c wire_io.c text.c diag.c)
# The system description as data; and its reader, of which xml.c alone sees expat.
system_src := libxm/system/system.c libxm/system/tables.c libxm/system/events.c
load_src := $(addprefix libxm/system/,build.c build_channel.c build_hm.c build_machine.c \
	build_memory.c build_partition.c build_plan.c grammar.c load.c loopback_xml.c notes.c schema.c \
	value.c xml.c)
# The client library; the second list is compiled once for each profile.
client_src := $(addprefix libxm/,batch.c handshake.c lazy.c memory.c params_ports.c raw.c \
	raw_classify.c raw_command.c raw_gather.c raw_scatter.c session.c transport.c)
client_profile_src := $(addprefix libxm/,areas.c functions.c irq.c machine.c multicall.c objects.c \
	params.c ports.c raw_table.c spare.c trace.c)
example_names := hello gettime part_manager hcall
# Policy: what the server needs; what compiler and tools need, of which yaml.c alone sees libyaml.
eval_src := policy/image.c policy/image_sieve.c policy/image_verify.c policy/eval.c
# Proofs, on the algebra of boxes.
prove_src := $(addprefix policy/,atoms.c atoms_alike.c atoms_boxes.c atoms_cube.c atoms_names.c atoms_space.c \
	prove_dead.c prove_diff.c prove_diff_ask.c prove_diff_tell.c prove_nearest.c prove_never.c prove_query.c prove_report.c prove_self.c prove_who.c prove_witness.c \
	region.c region_set.c region_words.c shell_word.c)
compile_src := $(addprefix policy/,arena.c call.c cases.c check.c compile.c condition.c constraint.c domain.c emit.c \
	emit_index.c explain.c explain_text.c explain_when.c invariant.c leaves.c limit.c number.c parse.c principal.c \
	resolve.c set.c source.c vocabulary.c wanted.c when.c yaml.c yaml_trap.c) $(prove_src)
# xmpolicy: a file a command.
xmpolicy_main := $(addprefix policy/,xmpolicy.c command.c command_file.c command_subject.c \
	cmd_check.c cmd_diff.c cmd_graph.c cmd_matrix.c cmd_test.c cmd_who.c cmd_compile.c cmd_explain.c cmd_fmt.c cmd_learn.c cmd_replay.c cmd_schema.c)
# What its commands that ask do.
asking_src := $(addprefix policy/,answer.c graph.c matrix.c matrix_page.c matrix_text.c)
# What its commands for writing policies do.
writing_src := $(addprefix policy/,dump.c dump_text.c dump_value.c fmt.c fmt_comment.c fmt_scalar.c fmt_tree.c \
	learn.c learn_text.c learn_value.c learn_verdict.c learn_verify.c learn_widen.c logged_call.c replay.c replay_text.c schema.c schema_words.c)
# The audit log as it reads it, which is the business of xmbroker/.
policy_log_src := xmbroker/xmpolicy_log.c
log_reader_src := $(addprefix xmbroker/,xmaudit_files.c xmaudit_json.c xmaudit_lines.c xmaudit_progress.c \
	xmaudit_scan.c xmaudit_slow.c)
# Of these, what reads any YAML file.
yaml_src := $(addprefix policy/,arena.c source.c yaml.c yaml_trap.c)
# The chain of the audit log, for those who write, keep and read it.
audit_common_src := xmbroker/audit_chain.c xmbroker/audit_key.c xmbroker/audit_state.c
# The broker's processes.
box_src := $(addprefix xmbroker/,box.c box_calls.c box_landlock.c box_limits.c box_paths.c box_process.c box_tables.c \
	selftest.c selftest_machine.c selftest_probes.c)
loop_src := xmbroker/log.c xmbroker/loop.c
base_src := xmbroker/channel.c xmbroker/sealed.c $(loop_src)
loopback_src := $(addprefix xmbroker/sim/,loopback.c loopback_log.c loopback_machine.c \
	loopback_ports.c)
supervisor_src := $(addprefix xmbroker/,children.c handed.c trial.c trial_keep.c compile_job.c device.c launch.c links.c listen.c notify.c \
	options.c options_user.c options_values.c reload.c service.c spawn.c store.c store_anchor.c store_files.c store_retain.c \
	store_rotate.c store_settle.c store_space.c store_tail.c supervisor.c supervisor_audit.c supervisor_box.c supervisor_device.c)
supervisor_main := xmbroker/main.c
server_src := $(addprefix xmbroker/,activation.c adapt.c bucket.c limits.c audit.c audit_fold.c audit_ledger.c audit_out.c audit_text.c backend_device.c backend_loopback.c backend_sim.c control.c \
	cursor.c described.c device_get.c device_put.c holdings.c system_check.c \
	metrics.c gate.c gate_batch.c guard.c identity.c server.c server_audit.c session.c session_batch.c session_memory.c session_open.c \
	session_receive.c session_send.c turns.c undertaker.c \
	users.c)
server_main := xmbroker/server_main.c
compiler_main := xmbroker/compiler.c xmbroker/compiler_config.c
sim_src := $(addprefix xmbroker/sim/,behaviour.c behaviour_read.c console.c control_send.c \
	engine.c faults.c record.c replay.c scenario.c serve_control.c list.c list_json.c serve.c serve_mask.c serve_memory.c serve_message.c sim.c sim_2x.c sim_console.c sim_hm.c sim_irq.c sim_log.c \
	sim_machine.c sim_memory.c sim_message.c sim_partition.c sim_port.c sim_port_status.c sim_spare.c sim_status.c \
	sim_tables.c sim_time.c sim_timer.c sim_trace.c sim_vcpu.c)
sim_main := xmbroker/sim/xmsim.c xmbroker/sim/xmsim_options.c
xmaudit_src := $(addprefix xmbroker/,xmaudit_anchor.c xmaudit_cursor.c xmaudit_diagnose.c xmaudit_files.c \
	xmaudit_filter.c xmaudit_json.c xmaudit_key.c xmaudit_lines.c xmaudit_print.c xmaudit_progress.c \
	xmaudit_read.c xmaudit_report.c xmaudit_scan.c xmaudit_show.c xmaudit_slow.c xmaudit_spans.c \
	xmaudit_stats.c xmaudit_torn.c xmaudit_verify.c)
xmaudit_main := xmbroker/xmaudit.c
xmbrokerctl_main := $(addprefix xmbroker/,xmbrokerctl.c xmbrokerctl_client.c xmbrokerctl_print.c xmbrokerctl_reload.c)
unit_files := xmbroker/xmbroker.service xmbroker/xmbroker.socket xmbroker/xmbroker.sysusers.conf \
	xmbroker/xmbroker.tmpfiles.conf xmbroker/xmbroker.yaml

unit_src := $(addprefix tests/,test_audit.c test_audit_chain.c test_audit_fold.c test_audit_ledger.c test_audit_run.c \
	test_audit_sync.c test_audit_write.c test_audit_state.c test_backend_sim.c test_box.c test_box_files.c test_box_identity.c test_box_memory.c test_selftest.c test_bucket.c test_fairness.c test_quota.c test_channel.c \
	test_client_24.c test_client_26.c test_client_3x.c test_client_3x_machine.c test_client_3x_objects.c \
	test_client_batch.c test_client_batch_errors.c test_client_begin.c test_client_large.c \
	test_client_lazy.c test_client_params.c test_client_pointers.c test_client_prtos.c \
	test_client_session.c test_diag.c test_cursor.c test_described.c test_device.c test_device_call.c test_backend_device.c test_faults.c test_faults_client.c test_faults_policy.c test_client_threads.c \
	test_operations.c test_gate.c test_gate_batch.c test_gate_mask.c test_gate_random.c test_links.c test_mask.c test_sim_mask.c test_guard.c test_handed.c test_headers.c test_identity.c test_listen.c \
	test_loop.c test_loopback.c test_metrics.c test_notify.c test_options.c test_policy_cases.c \
	test_policy_compile.c test_policy_errors.c test_policy_explain.c test_policy_image.c \
	test_policy_hostile.c test_policy_limit.c test_policy_observe.c test_policy_tests.c test_policy_when.c test_limits.c test_gate_limits.c \
	test_policy_ask.c test_policy_dump.c test_policy_fmt.c test_policy_learn.c test_policy_prove.c test_policy_prove_diff.c test_policy_prove_who.c \
	test_policy_region.c test_policy_replay.c test_policy_schema.c test_policy_self.c \
	test_policy_proofs.c test_policy_proofs_two.c test_policy_random.c test_policy_rules.c test_policy_two.c test_policy_yaml.c test_raw_classify.c test_same.c test_service.c \
	test_session.c test_session_control.c test_activation.c test_system_check.c test_session_limits.c test_session_long.c test_session_search.c test_session_turns.c \
	test_sim_engine.c test_sim_hm.c test_sim_irq.c test_sim_machine.c test_sim_memory.c \
	test_sim_partition.c test_sim_port.c test_sim_profiles.c test_sim_2x.c test_sim_2x_objects.c test_sim_irqs.c test_sim_messages.c test_sim_serve.c test_sim_trace.c test_sim_vcpu.c \
	test_sim_random.c test_sim_status.c test_sim_time.c test_list.c test_system_events.c test_system_hostile.c \
	test_system_load.c test_system_two.c test_system_value.c test_system_verify.c \
	test_store.c test_store_bound.c test_store_gone.c test_store_rotate.c test_table.c test_text.c test_trial.c test_undertaker.c test_wire.c test_wire_batch.c test_wire_results.c test_xmaudit.c \
	test_xmaudit_forge.c test_xmaudit_report.c test_xmaudit_scan.c test_xmaudit_show.c test_xmaudit_verify.c)
fuzz_src := $(addprefix tests/fuzz/,fuzz_audit.c fuzz_decide.c fuzz_image.c fuzz_policy.c fuzz_replay.c fuzz_result.c fuzz_scenario.c \
	fuzz_server.c fuzz_system.c)
man_src := $(sort $(wildcard man/*.[1-9]))

programs := xmbroker xmbroker-server xmbroker-compiler xmsim xmpolicy xmaudit xmbrokerctl
sbin := xmbroker xmsim
bin := xmpolicy xmaudit xmbrokerctl
libexec := xmbroker-server xmbroker-compiler
objs = $(patsubst %.c,$(B)/obj/%.o,$(filter %.c,$(1)))

# What the client library speaks: the suffix of the objects of each profile, and its constant.
profiles := p24 p26 p3x ppr
profile_p24 := XM_PROFILE_2_4
profile_p26 := XM_PROFILE_2_6
profile_p3x := XM_PROFILE_3_X
profile_ppr := XM_PROFILE_PRTOS
profile_objs = $(foreach p,$(2),$(patsubst %.c,$(B)/obj/%.$(p).o,$(1)))

# Whether this compiler is for amd64, which can run and may be able to build the 32-bit library too.
amd64 := $(filter x86_64-%-gnu,$(shell $(CC) -dumpmachine 2>/dev/null))

# ---- everything -----------------------------------------------------------------------------------

.PHONY: all programs libraries examples man check check-unit check-e2e check-asan check-clang \
	check-layers check-headers check-format check-man check-abi abi-baseline m32 ci demo bench \
	fuzz install install-libraries clean help deps deps-build deps-check deps-ci format
.DELETE_ON_ERROR:
.SECONDARY:

goals_32 := all libraries install install-libraries deps clean help
ifeq ($(M32),)
all: programs libraries man
else
all: libraries
ifneq ($(filter-out $(goals_32) clients $(B)/%,$(MAKECMDGOALS)),)
$(error M32=1 knows $(goals_32): "make help")
endif
endif

programs: $(addprefix $(B)/,$(programs))
libraries: $(B)/libxm.so $(B)/libxm.a $(B)/libxm-linux.a
	@:
man: $(B)/man/xm_hypercalls.7

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile
	@echo 'Targets: all libraries check demo bench install install-libraries clean fuzz ci'
	@echo '         check-unit check-e2e check-asan check-clang check-layers check-headers'
	@echo '         check-format check-man check-abi abi-baseline m32 deps format'
	@echo '         attack kill-test prove-promises unit-security'
	@echo '         analyze check-tsan check-valgrind coverage faults nightly'
	@echo '         kmod kmod-lint kmod-cross kmod-table vmtest vmtest-arm64 vmtest-kasan vmtest-mutations'
	@echo '         check-dkms install-dkms'
	@echo 'M32=1 knows: $(goals_32).'
	@echo '"make check" tests both libraries.'

# ---- compiling and linking ------------------------------------------------------------------------

$(B)/obj/%.o: %.c | $(sysroot_done)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/sysroot/done:
	$(call say,FETCH,$(@D))
	$(Q)sh tests/vm/fetch.sh sysroot $(@D) $(debian_arch)

# The evaluator is freestanding: nothing that would call a library.
$(B)/obj/policy/eval.o: ALL_CFLAGS += $(if $(SANITIZE),,-ffreestanding -fno-builtin \
	-fno-stack-protector -U_FORTIFY_SOURCE)

# The client library speaks each profile through symbols of its own.
define profile_rule
$$(B)/obj/%.$(1).o: %.c | $$(sysroot_done)
	@mkdir -p $$(@D)
	$$(call say,CC,$$< ($(profile_$(1))))
	$$(Q)$$(CC) $$(ALL_CFLAGS) -DXM_PROFILE=$(profile_$(1)) -MMD -MP -c -o $$@ $$<
endef
$(foreach p,$(profiles),$(eval $(call profile_rule,$(p))))

define link
@mkdir -p $(@D)
$(call say,LINK,$@)
$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -pie -o $@ $(filter %.o,$^) $(filter %.a,$^) $(1)
endef

define archive
@mkdir -p $(@D)
$(call say,AR,$@)
$(Q)rm -f $@
$(Q)$(AR) rcs $@ $(filter %.o,$^)
endef

$(B)/xmbroker: $(call objs,$(supervisor_src) $(supervisor_main) $(audit_common_src) $(base_src) \
		$(box_src) $(eval_src) $(system_src) $(core_src))
	$(call link,-lcap-ng -lseccomp -lsodium)
# How each hypervisor wants its calls.
raw_objs := $(call profile_objs,libxm/raw_table.c,$(profiles))
$(B)/xmbroker-server: $(call objs,$(server_src) $(server_main) $(audit_common_src) $(base_src) \
		$(box_src) $(loopback_src) $(eval_src) $(system_src) $(core_src)) $(raw_objs)
	$(call link,-lcap-ng -lseccomp -lsodium)
$(B)/xmbroker-compiler: $(call objs,$(compiler_main) $(box_src) $(compile_src) $(eval_src) \
		$(load_src) $(system_src) $(core_src))
	$(call link,-lcap-ng -lseccomp -lyaml -lexpat -lsodium)
$(B)/xmsim: $(call objs,$(sim_src) $(sim_main) $(loop_src) $(box_src) $(yaml_src) $(load_src) $(system_src) \
		$(core_src))
	$(call link,-lcap-ng -lseccomp -lexpat -lyaml -ljansson)
$(B)/xmpolicy: $(call objs,$(xmpolicy_main) $(asking_src) $(writing_src) $(policy_log_src) $(log_reader_src) $(compile_src) $(eval_src) $(load_src) \
		$(system_src) $(core_src))
	$(call link,-lyaml -lexpat -lsodium -ljansson)
$(B)/xmaudit: $(call objs,$(xmaudit_src) $(xmaudit_main) $(audit_common_src) $(core_src))
	$(call link,-ljansson -lsodium)
$(B)/xmbrokerctl: $(call objs,$(xmbrokerctl_main) $(core_src))
	$(call link,)

client_base := $(call objs,$(client_src) $(addprefix libxm/core/,table.c request.c mask.c wire.c wire_call.c wire_io.c))
client_objs := $(client_base) $(call profile_objs,$(client_profile_src),$(profiles))

# Never unloaded: there is one session of a process, and threads have memory of the library.
$(B)/libxm.so.0: $(client_objs) libxm/libxm.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -shared -Wl,-soname,libxm.so.0 -Wl,-z,nodelete $(if $(SANITIZE),,-Wl,-z,defs) \
		-Wl,--version-script=libxm/libxm.map -o $@ $(filter %.o,$^) -lpthread
$(B)/libxm.so: $(B)/libxm.so.0
	$(Q)ln -sf libxm.so.0 $@

# A static library is one object, in which everything but the public names is local.  What a compiler
# puts into sections of which programs keep one (the thunks of i386) has to become ours as well.
$(B)/libxm.a: $(client_objs)
$(B)/libxm-linux.a: $(client_base) $(call profile_objs,$(client_profile_src),p24)
$(B)/libxm.a $(B)/libxm-linux.a:
	@mkdir -p $(@D)
	$(call say,AR,$@)
	$(Q)$(LD) $(LD_MACHINE) -r --force-group-allocation -o $@.o $(filter %.o,$^)
	$(Q)$(OBJCOPY) --localize-hidden $@.o
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $@.o
	$(Q)rm -f $@.o

$(B)/man/xm_hypercalls: $(call objs,man/xm_hypercalls.c libxm/core/table.c) \
		$(call profile_objs,libxm/raw_table.c,$(profiles))
	$(call link,)
ifeq ($(triplet),)
$(B)/man/xm_hypercalls.7: $(B)/man/xm_hypercalls
	$(Q)$< >$@
else # the program runs here
$(B)/man/xm_hypercalls.7: man/xm_hypercalls.c libxm/core/table.c libxm/raw_table.c
	@mkdir -p $(@D)
	$(Q)$(MAKE) --no-print-directory CROSS_COMPILE= B=$(B)/native $(B)/native/man/xm_hypercalls.7
	$(Q)cp $(B)/native/man/xm_hypercalls.7 $@
endif

# ---- tests ----------------------------------------------------------------------------------------

# A server that does what whoever took it over would, when a client asks it to.  Never installed.
takeover_src := xmbroker/takeover.c xmbroker/session_receive.c
# What the demonstration runs.
demo_programs := $(addprefix $(B)/examples/,$(example_names))
takeover := $(B)/takeover/xmbroker-server $(B)/tests/unboxed
$(B)/takeover/obj/%.o: %.c | $(sysroot_done)
	@mkdir -p $(@D)
	$(call say,CC,$< (takeover))
	$(Q)$(CC) $(ALL_CFLAGS) -DXM_TAKEOVER -MMD -MP -c -o $@ $<
$(B)/takeover/xmbroker-server: $(patsubst %.c,$(B)/takeover/obj/%.o,$(takeover_src)) \
		$(call objs,$(filter-out $(takeover_src),$(server_src)) $(server_main) $(audit_common_src) $(base_src) \
		$(box_src) $(loopback_src) $(eval_src) $(system_src) $(core_src)) $(raw_objs)
	$(call link,-lcap-ng -lseccomp -lsodium)

test_bins := $(patsubst tests/%.c,$(B)/tests/%,$(unit_src))
e2e_tests := $(sort $(wildcard tests/e2e/test_*.py))
# The scripted client: call speaks 3.x, the others the profile in their names; *_32 are of the 32-bit
# library, made by the build below this one.
clients := $(addprefix $(B)/tests/,call call24 call26 callpr)
# What replays the oracle, in the profiles that it was recorded in.
replays := $(addprefix $(B)/tests/,replay26 replaypr)
# The conformance suite, a program a profile.
conformances := $(addprefix $(B)/tests/conformance,24 26 3x pr)
stream := $(B)/tests/stream
# What asks for its due while others attack or kill, and what moves the wall clock of one process.
honest := $(B)/tests/honest $(B)/tests/wallclock.so
# What stands in for the device.
stand_in := $(B)/tests/device.so
conformance_src := $(addprefix tests/conformance/,calls.c check.c common.c console.c hm.c irqs.c logs.c \
	machine.c main.c memory.c objects.c partitions.c peer.c plans.c queuing.c sampling.c status.c \
	stops.c times.c trace.c vcpus.c)
clients_32 := $(if $(if $(COVERAGE),,$(amd64)),$(patsubst %call_32,%call32,$(addsuffix _32,$(clients) $(replays) $(conformances))))

# Makes calls of the C library fail.
faultlib := $(if $(SANITIZE),,$(B)/tests/libfault.so)
$(B)/tests/libfault.so: tests/fault/libfault.c
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g $(WARNINGS) $(WERROR) -Wno-missing-prototypes -fPIC \
		-fvisibility=hidden -fno-builtin -shared -o $@ $<
$(B)/tests/keep.o: tests/coverage/keep.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g $(WARNINGS) $(WERROR) -fPIC -fvisibility=hidden -c -o $@ $<

# Everything without its mains, so that a test links what it names.
$(B)/libtest.a: $(call objs,$(core_src) $(system_src) $(load_src) $(eval_src) $(compile_src) \
		$(asking_src) $(writing_src) $(policy_log_src) $(base_src) $(box_src) $(supervisor_src) $(server_src) $(loopback_src) $(sim_src) \
		$(xmaudit_src) $(audit_common_src) xmbroker/compiler_config.c) $(client_objs)
	$(call archive)
$(test_bins): $(B)/tests/%: $(B)/obj/tests/%.o $(B)/libtest.a
	$(call link,$(if $(filter thread,$(SANITIZE)),,-lcriterion) -lcap-ng -lseccomp -lyaml -lexpat -lsodium -ljansson -lpthread)
# What some of them run against instead of the real thing.
client_3x_tests := 3x 3x_machine 3x_objects
client_batch_tests := batch batch_errors
audit_tests := audit_fold audit_ledger audit_run audit_sync audit_write
gate_tests := gate gate_batch gate_limits gate_mask gate_random
session_tests := activation fairness faults metrics quota session session_control session_limits session_long session_search session_turns
$(B)/tests/test_operations: $(B)/obj/tests/operation_samples.o
$(B)/tests/test_sim_random: $(call objs,tests/describe.c tests/sim_codes.c)
$(addprefix $(B)/tests/test_,store store_bound store_gone store_rotate): $(B)/obj/tests/store_rig.o
$(addprefix $(B)/tests/test_,box box_files box_identity box_memory): $(B)/obj/tests/box_rig.o
$(addprefix $(B)/tests/test_,audit backend_device backend_sim device_call guard limits system_check undertaker $(audit_tests) $(gate_tests) $(session_tests)): \
	$(call objs,tests/broker_fakes.c tests/domain.c)
$(addprefix $(B)/tests/test_,$(audit_tests)): $(call objs,tests/audit_rig.c)
$(addprefix $(B)/tests/test_,$(gate_tests)): $(call objs,tests/gate_rig.c)
$(addprefix $(B)/tests/test_,$(session_tests)): $(call objs,tests/session_rig.c)
$(addprefix $(B)/tests/test_client_,24 26 $(client_3x_tests) $(client_batch_tests) begin large lazy params pointers prtos session threads): \
	$(B)/obj/tests/client_server.o
$(B)/tests/test_faults_client: $(B)/obj/tests/client_server.o
$(addprefix $(B)/tests/test_client_,$(client_3x_tests)): $(B)/obj/tests/client_3x_rig.o
$(addprefix $(B)/tests/test_client_,$(client_batch_tests)): $(B)/obj/tests/client_batch_rig.o
$(addprefix $(B)/tests/test_,handed trial): $(B)/obj/tests/trial_rig.o
$(addprefix $(B)/tests/test_,wire wire_batch wire_results): $(B)/obj/tests/wire_rig.o
# A second opinion about policies, and policies to have one about.
random_rig := naive.c naive_time.c naive_value.c naive_yaml.c random_policy.c random_request.c random_rig.c \
	random_system.c random_time.c random_value.c
proof_tests := policy_proofs policy_proofs_two
$(addprefix $(B)/tests/test_,policy_fmt policy_random $(proof_tests)): $(call objs,$(addprefix tests/,$(random_rig)))
$(addprefix $(B)/tests/test_,$(proof_tests)): $(call objs,tests/proof_rig.c tests/small_world.c)
# Allocations that fail.
faulty := malloc calloc realloc strdup strndup vasprintf __vasprintf_chk free mmap munmap
$(addprefix $(B)/tests/test_,faults faults_client faults_policy): ALL_LDFLAGS += $(addprefix -Wl$(comma)--wrap=,$(faulty))
$(addprefix $(B)/tests/test_,faults faults_client faults_policy): $(B)/obj/tests/alloc_fail.o
$(addprefix $(B)/tests/test_xmaudit_,report show): $(B)/obj/tests/xmaudit_rig.o
$(addprefix $(B)/tests/test_xmaudit_,forge report scan show verify): $(call objs,tests/audit_log.c tests/log_chain.c)
$(addprefix $(B)/tests/test_xmaudit_,forge verify): $(B)/obj/tests/verify_rig.o
$(B)/tests/test_same: ALL_LDFLAGS += -Wl,--wrap=memory_probe_write
$(B)/tests/test_same: $(call objs,tests/domain.c tests/same/inprocess.c) \
		$(call profile_objs,tests/same/anyraw.c tests/same/same.c,$(profiles))
$(B)/obj/tests/%.o: ALL_CFLAGS += -Wno-missing-prototypes -Wno-vla

$(B)/tests/call: XM_PROFILE := XM_PROFILE_3_X
$(B)/tests/call24: XM_PROFILE := XM_PROFILE_2_4
$(B)/tests/call26: XM_PROFILE := XM_PROFILE_2_6
$(B)/tests/callpr: XM_PROFILE := XM_PROFILE_PRTOS
$(B)/tests/call24: $(B)/libxm-linux.a
$(filter-out $(B)/tests/call24,$(clients)): $(B)/libxm.a
$(clients): $(B)/tests/%: $(addprefix tests/e2e/,call.c call_ports.c call_status.c \
		call_tables.c call.h)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -DXM_PROFILE=$(XM_PROFILE) -pie -o $@ \
		$(filter %.c %.a,$^) -lpthread

$(B)/tests/replay26: XM_PROFILE := XM_PROFILE_2_6
$(B)/tests/replaypr: XM_PROFILE := XM_PROFILE_PRTOS
$(replays): $(B)/tests/%: $(addprefix tests/oracle/,replay.c replay_calls.c replay_env.c \
		replay_expr.c replay_peer.c replay_registers.c replay_rules.c replay.h) $(B)/libxm.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -DXM_PROFILE=$(XM_PROFILE) -pie -o $@ \
		$(filter %.c %.a,$^) -lpthread

# An end of a queue between partitions.
$(B)/tests/stream: tests/e2e/stream.c $(B)/libxm.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -pie -o $@ $^ -lpthread
$(B)/tests/honest: tests/attack/honest.c $(B)/libxm.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -pie -o $@ $^ -lpthread
$(B)/tests/wallclock.so: tests/attack/wallclock.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 $(WARNINGS) $(WERROR) -Wno-missing-prototypes -fPIC \
		-fvisibility=hidden -shared -o $@ $<
$(B)/tests/device.so: tests/e2e/device.c include/xm/uapi/xmctl.h
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 $(WARNINGS) $(WERROR) -Wno-missing-prototypes -Iinclude -fPIC \
		-fvisibility=hidden -shared -o $@ $<

# One that does not confine itself, which must be found out.
$(B)/tests/unboxed: $(B)/obj/tests/e2e/unboxed.o
	$(call link,)

define conformance_rule
$$(B)/tests/conformance$(2): $$(call profile_objs,$$(conformance_src),$(1)) $$(B)/libxm.a
	$$(call link,-lpthread)
endef
$(eval $(call conformance_rule,p24,24))
$(eval $(call conformance_rule,p26,26))
$(eval $(call conformance_rule,p3x,3x))
$(eval $(call conformance_rule,ppr,pr))

.PHONY: clients clients-32
clients: $(clients) $(replays) $(conformances)
	@:
clients-32: $(clients_32)
	@:
m32:
	@$(MAKE) --no-print-directory M32=1 B=$(B)/m32 libraries clients
$(clients_32): m32
	@mkdir -p $(@D)
	$(Q)cp $(B)/m32/tests/$(patsubst %_,%,$(@F:%32=%)) $@

$(B)/tests/bench: $(call objs,tests/bench/audit.c tests/bench/bench.c tests/bench/flood.c tests/bench/large.c tests/bench/peers.c \
		tests/bench/policy.c tests/bench/rules.c \
		tests/describe.c tests/log_chain.c $(eval_src) $(load_src) $(system_src) $(core_src))
	$(call link,-lexpat -lsodium)

run_tests = XM_SANITIZED=$(SANITIZE) XM_BUILD="$$(cd '$(B)' && pwd)" sh tests/run.sh $(B)/results $(1)

check: deps-check
	@$(MAKE) --no-print-directory check-all
.PHONY: check-all check-build
check-build: all $(takeover) $(demo_programs) $(test_bins) $(clients) $(replays) $(conformances) $(stream) $(honest) $(stand_in) $(faultlib) $(clients_32)
check-all: check-build check-layers check-kmod-table
	@$(call run_tests,$(test_bins) $(e2e_tests))
check-unit: $(test_bins)
	@$(call run_tests,$(test_bins))
.PHONY: e2e-needs
e2e-needs: all $(takeover) $(demo_programs) $(clients) $(replays) $(conformances) $(stream) $(honest) $(stand_in) $(faultlib)
	@:
check-e2e: e2e-needs $(clients_32)
	@$(call run_tests,$(e2e_tests))

check-layers: programs libraries
	@B=$(B) SANITIZE=$(SANITIZE) sh tests/tools/check-layers.sh
check-headers:
	@CC=$(CC) CXX=$(CXX) sh tests/tools/check-headers.sh
check-format:
	@sh tests/tools/check-format.sh
check-man: man
	@sh tests/tools/check-man.sh $(man_src) $(B)/man/xm_hypercalls.7
check-asan:
	@$(MAKE) --no-print-directory B=$(B)/asan SANITIZE=1 check-all
check-clang:
	@$(MAKE) --no-print-directory B=$(B)/clang CC=clang WERROR=-Werror all $(if $(amd64),m32)

# ---- the kernel module ------------------------------------------------------------------------------

# No path that the kernel's makefiles see may have a blank: if this folder's has, their work is elsewhere.
ifeq ($(words $(CURDIR)),1)
kbuild_dir := $(B)
else
kbuild_dir = $(shell mkdir -p '$(B)'; [ -d "$$(cat '$(B)/elsewhere' 2>/dev/null)" ] || \
	mktemp -d /tmp/xmctl.XXXXXX >'$(B)/elsewhere'; cat '$(B)/elsewhere')
endif
# It is built in a folder that has the project's folders as far as the module needs them.  KERNEL is that
# of the kernel's headers, for another architecture those of Debian's FLAVOUR; KMOD_ARGS goes to the kernel's
# own makefile.
ifeq ($(triplet),)
cloud_headers = $(lastword $(sort $(wildcard /usr/src/linux-headers-*-cloud-amd64)))
KERNEL ?= $(or $(wildcard /lib/modules/$(shell uname -r)/build),$(cloud_headers))
else
FLAVOUR ?= cloud-$(debian_arch)
headers_of = $(abspath $(shell sh tests/vm/fetch.sh headers '$(kbuild_dir)/headers-$(1)' $(debian_arch) $(1)))
cloud_headers = $(call headers_of,cloud-$(debian_arch))
KERNEL ?= $(call headers_of,$(FLAVOUR))
KMOD_ARGS ?= ARCH=$(debian_arch) CROSS_COMPILE=$(CROSS_COMPILE)
endif
KMOD ?= $(kbuild_dir)/kmod
kmod_path = $(abspath $(KMOD))
kmod_files := $(wildcard kmod/*.[ch] kmod/shim/*.h kmod/shim/sys/*.h) \
	$(addprefix libxm/,memory.h params.h raw.def raw.h raw_classify.c raw_command.c raw_command.h raw_gather.c \
	raw_scatter.c raw_table.c core/request.c core/request.h core/table.c core/table.h core/wire.h core/mask.h) \
	$(loopback_src) $(addprefix xmbroker/sim/,loopback.h loopback_internal.h) \
	$(shell find include -name '*.h' -o -name '*.def')
kmod_packages := kmod linux-headers-cloud-amd64
# checkpatch and coccinelle's checks are in linux-source, which is unpacked and not installed.
kmod_lint_packages := $(kmod_packages) sparse coccinelle perl xz-utils gcc-aarch64-linux-gnu \
	gcc-riscv64-linux-gnu flex bison bc

.PHONY: kmod kmod-stage kmod-table check-kmod-table check-dkms kmod-lint kmod-cross
kmod-stage:
	@mkdir -p $(KMOD)
	@cp -u --parents $(kmod_files) $(KMOD)
	@cp -u kmod/Kbuild $(KMOD)/Kbuild
kmod: kmod-stage
	@if [ ! -d '$(KERNEL)' ]; then echo 'No kernel headers: KERNEL=folder, or "make deps-vm"' >&2; exit 1; fi
	$(call say,KBUILD,$(KMOD)/xmctl.ko)
	$(Q)$(MAKE) -C '$(KERNEL)' M='$(kmod_path)' $(KMOD_ARGS) $(if $(V),V=1,-s) modules

# What the module knows of hypercalls is written by a program of this project and is in the tree, so that
# the module is built without it.
kmod-table:
	$(Q)CC='$(CC)' sh kmod/tablegen/tablegen.sh $(B)/tablegen >$(B)/xmctl_table.h
	$(Q)mv $(B)/xmctl_table.h kmod/xmctl_table.h
check-kmod-table:
ifneq ($(amd64),)
	@mkdir -p $(B)
	$(Q)CC='$(CC)' sh kmod/tablegen/tablegen.sh $(B)/tablegen >$(B)/xmctl_table.h
	$(Q)cmp $(B)/xmctl_table.h kmod/xmctl_table.h || { \
		echo 'kmod/xmctl_table.h is not what the table says: "make kmod-table"' >&2; exit 1; }
endif

kmod-lint:
	@$(MAKE) --no-print-directory KMOD=$(kbuild_dir)/kmod-lint kmod-stage
	@sh tests/vm/fetch.sh scripts $(kbuild_dir)/linux-source
	@sh tests/tools/kmod-lint.sh '$(abspath $(kbuild_dir)/kmod-lint)' '$(KERNEL)' \
		'$(abspath $(kbuild_dir)/linux-source/scripts)'

# As DKMS does it.
check-dkms:
	@MAKE='$(MAKE)' bash tests/tools/kmod-dkms.sh '$(abspath $(kbuild_dir)/dkms)' '$(KERNEL)'

# ---- the module in a virtual machine ----

vm_packages := $(kmod_packages) busybox-static e2fsprogs dash util-linux
vm_packages_amd64 := qemu-system-x86
vm_packages_arm64 := qemu-system-arm gcc-aarch64-linux-gnu libc6-dev-arm64-cross
vm_src := $(addprefix tests/vm/,xmctl_test.c xmctl_bench.c xmctl_derive.c xmctl_fail.c xmctl_fuzz.c xmctl_original.c xmctl_race.c \
	xmctl_shapes.c xmctl_stall.c xmctl_versioned.c)
vm_headers := tests/vm/xmctl_test.h tests/vm/xmctl_shapes.h include/xm/uapi/xmctl.h
# They run where there is nothing else: static, and not hardened, since garbage is their trade.
VM_CFLAGS := -std=gnu11 -D_GNU_SOURCE -O2 -g $(WARNINGS) -Iinclude -I. -static
vm_32 := -m32 -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -idirafter /usr/include/x86_64-linux-gnu
vm_programs := $(addprefix $(B)/vm/,xmctl_test original_24 takeover $(if $(amd64),xmctl_test32 original_24_32))

$(B)/vm/xmctl_test: $(vm_src) $(vm_headers)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VM_CFLAGS) $(WERROR) -o $@ $(vm_src) -lpthread
$(B)/vm/xmctl_test32: $(vm_src) $(vm_headers)
	@mkdir -p $(@D)
	$(Q)$(CC) $(vm_32) $(VM_CFLAGS) $(WERROR) -o $@ $(vm_src) -lpthread
$(B)/vm/original_24: tests/vm/original_24.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(VM_CFLAGS) $(WERROR) -o $@ $<
$(B)/vm/original_24_32: tests/vm/original_24.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(vm_32) $(VM_CFLAGS) $(WERROR) -o $@ $<

$(B)/vm/takeover: tests/vm/takeover.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(VM_CFLAGS) $(WERROR) -o $@ $<

.PHONY: vmtest vmtest-arm64 vmtest-kasan vm-programs vm-installed vm-run vmtest-mutations deps-vm deps-vm-arm64
vm-programs: $(vm_programs)
	@:
vm-installed: all $(takeover) $(conformances) $(addprefix $(B)/examples/,$(example_names))
	@rm -rf $(B)/vm/installed
	@$(MAKE) --no-print-directory install PREFIX=/usr LIBDIR=lib DESTDIR='$(B)/vm/installed' >/dev/null
vm-run:
	@$(MAKE) --no-print-directory kmod KERNEL='$(cloud_headers)'
	@$(MAKE) --no-print-directory vm-programs vm-installed
	@CROSS_COMPILE='$(CROSS_COMPILE)' SYSROOT='$(SYSROOT)' sh tests/vm/run.sh '$(B)' '$(KMOD)/xmctl.ko'
vmtest: deps-vm
	@$(MAKE) --no-print-directory vm-run
vmtest-arm64: deps-vm-arm64
	@$(MAKE) --no-print-directory CROSS_COMPILE=aarch64-linux-gnu- B='$(B)/aarch64-linux-gnu' vm-run
# The same on a kernel that finds what the module does wrong with memory, locks and numbers, built here once
# (half an hour) into KASAN_KERNEL; and with allocations that fail.  VM_SMALL=1: the module without the
# broker, which takes most of the time.  amd64.
KASAN_KERNEL ?= $(B)/vm/kasan
kasan_module := $(if $(filter command line,$(origin KMOD)),$(KMOD),$(B)/kmod-kasan)
vmtest-kasan: deps-vm
	$(call need,flex bison bc libelf-dev xz-utils)
	$(call say,KERNEL,$(KASAN_KERNEL))
	$(Q)sh tests/vm/kasan.sh '$(KASAN_KERNEL)'
	@$(MAKE) --no-print-directory kmod KMOD='$(kasan_module)' KERNEL='$(abspath $(KASAN_KERNEL))/out' \
		KMOD_ARGS=UBSAN_SANITIZE=y
	@$(MAKE) --no-print-directory vm-programs vm-installed
	@VM_KERNEL='$(KASAN_KERNEL)/out/arch/x86/boot/bzImage' VM_MEMORY=1024 VM_SECONDS=3600 \
		VM_APPEND="rcupdate.rcu_cpu_stall_timeout=120 $$VM_APPEND" \
		sh tests/vm/run.sh '$(B)' '$(kasan_module)/xmctl.ko'
# Without each check of the module a test fails: some minutes.
vmtest-mutations: deps-vm deps-check
	@$(MAKE) --no-print-directory kmod vm-programs
	@B='$(B)' KERNEL='$(KERNEL)' PYTHONDONTWRITEBYTECODE=1 python3 tests/vm/mutate.py $(MUTATE_ARGS)
deps-vm:
	$(call need,$(build_packages) $(packages_32) $(vm_packages) $(vm_packages_amd64))
deps-vm-arm64:
	$(call need,$(build_packages) $(vm_packages) $(vm_packages_arm64))

# Each conduit for its architecture: all of the module where Debian has the headers.
kmod-cross:
	@sh tests/vm/fetch.sh scripts $(kbuild_dir)/linux-source
	@MAKE='$(MAKE)' sh tests/tools/kmod-cross.sh $(abspath $(kbuild_dir))

# ---- analysis --------------------------------------------------------------------------------------

.PHONY: analyze check-tsan check-valgrind coverage faults nightly
analyzed := $(sort $(core_src) $(system_src) $(load_src) $(client_src) $(client_profile_src) $(eval_src) \
	$(compile_src) $(asking_src) $(writing_src) $(policy_log_src) $(xmpolicy_main) $(base_src) $(box_src) $(supervisor_src) \
	$(supervisor_main) $(server_src) $(server_main) $(compiler_main) $(loopback_src) $(sim_src) $(sim_main) \
	$(audit_common_src) $(xmaudit_src) $(xmaudit_main) $(xmbrokerctl_main))

# Every finding is an error; tests/analysis-exceptions.txt has those that are wrong.
analyze: deps-ci
	@python3 tests/tools/analyze.py tests/analysis-exceptions.txt -std=gnu11 -D_GNU_SOURCE \
		'-DXM_VERSION="$(VERSION)"' -DXM_PROFILE=XM_PROFILE_3_X -Iinclude -I. -- $(analyzed)

# What has threads.  Criterion finds no place beside this sanitizer: tests/tsan stands in for it.
tsan_tests := $(addprefix $(B)/tests/test_client_,batch large lazy session threads)
ifeq ($(SANITIZE),thread)
$(test_bins): $(B)/obj/tests/tsan/main.o
ALL_CFLAGS += -Itests/tsan
endif
check-tsan: deps-check
	@$(MAKE) --no-print-directory B=$(B)/tsan SANITIZE=thread tsan-tests
.PHONY: tsan-tests
tsan-tests: $(tsan_tests)
	@TSAN_OPTIONS=die_after_fork=0:exitcode=66 XM_SANITIZED=thread sh tests/run.sh $(B)/results $(tsan_tests)

# A confined process cannot be run in valgrind, which makes system calls of its own.
valgrind_tests := $(addprefix $(B)/tests/test_,audit audit_chain faults gate identity session wire xmaudit)
check-valgrind: deps-ci
	@$(MAKE) --no-print-directory $(valgrind_tests) programs
	@B=$(B) sh tests/tools/check-valgrind.sh $(valgrind_tests)

# Table of lines that the tests reach; security-relevant files have to be above 95 %.
coverage: deps-check
	@rm -rf $(B)/coverage/counters && mkdir -p -m 1777 $(B)/coverage/counters
	@$(MAKE) --no-print-directory B=$(B)/coverage COVERAGE=1 $(B)/coverage/tests/keep.o
	@$(MAKE) --no-print-directory B=$(B)/coverage COVERAGE=1 check-build
	@XM_COVERAGE="$$(cd $(B)/coverage/counters && pwd)" $(MAKE) --no-print-directory B=$(B)/coverage \
		COVERAGE=1 coverage-tests
	@python3 tests/tools/coverage.py $(B)/coverage $(B)/coverage/counters tests/coverage-exceptions.txt
.PHONY: coverage-tests
coverage-tests:
	@$(call run_tests,$(test_bins) $(e2e_tests)) || echo 'Some tests failed; what they reached counts.'

# Every system call and allocation fails in every way, which takes long.
faults: deps-check
	@$(MAKE) --no-print-directory programs clients $(faultlib)
	@XM_BUILD="$$(cd '$(B)' && pwd)" PYTHONDONTWRITEBYTECODE=1 python3 tests/fault/driver.py --all

# The random tests with other numbers than always: SEEDS of them.
SEEDS ?= 10
random_tests := $(B)/tests/test_policy_random $(B)/tests/test_sim_random
.PHONY: check-random
check-random: $(random_tests)
	@for test in $(random_tests); do \
		for n in $$(seq $(SEEDS)); do \
			seed=$$(od -An -N4 -tu4 /dev/urandom | tr -d ' '); \
			XM_SEED=$$seed $$test >$(B)/random.log 2>&1 || { \
				cat $(B)/random.log; echo "XM_SEED=$$seed $$test"; exit 1; }; \
		done; \
		echo "  $$test: $(SEEDS) seeds"; \
	done

# N random policies for each of the tests that have some, by the naive interpreter and by brute force.
N ?= 20000
policy_random_tests := $(addprefix $(B)/tests/test_policy_,random proofs proofs_two)
.PHONY: policy-random
policy-random: $(policy_random_tests)
	@sh tests/tools/policy-random.sh $(B)/policy-random.log $(N) $(policy_random_tests)

# What takes too long for every change.
nightly: deps-ci
	@$(MAKE) --no-print-directory faults
	@$(MAKE) --no-print-directory attack
	@$(MAKE) --no-print-directory kill-test
	@$(MAKE) --no-print-directory prove-promises
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=600
	@$(MAKE) --no-print-directory check-asan
	@$(MAKE) --no-print-directory check-tsan
	@$(MAKE) --no-print-directory check-valgrind
	@$(MAKE) --no-print-directory check-random
	@$(MAKE) --no-print-directory policy-random
	@$(MAKE) --no-print-directory coverage

# The interface of the shared libraries, as libxm/abi/ has it.  That is written anew when something
# has been added on purpose; what is taken away or changed breaks programs.
abi_libraries := $(B)/libxm.so.0 $(if $(amd64),m32)
check-abi: $(abi_libraries)
	@B=$(B) sh tests/tools/check-abi.sh
abi-baseline: $(abi_libraries)
	@B=$(B) sh tests/tools/check-abi.sh --write
format:
	@git ls-files --cached --others --exclude-standard | grep -E '\.[ch]$$' | xargs clang-format -i

# ---- fuzzing: clang's libFuzzer; FUZZ_SECONDS for each target --------------------------------------

FUZZ_SECONDS ?= 60
fuzz_bins := $(patsubst tests/fuzz/%.c,$(B)/fuzz/bin/%,$(fuzz_src))
FUZZ_FLAGS := -std=gnu11 -D_GNU_SOURCE -DXM_VERSION='"$(VERSION)"' -O1 -g -Iinclude -I. \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

$(B)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(Q)clang $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<
fuzz_objs := $(patsubst %.c,$(B)/fuzz/%.o,$(core_src) $(system_src) $(load_src) $(eval_src) \
	$(compile_src) $(server_src) $(loopback_src) $(sim_src) $(base_src) $(box_src) $(audit_common_src) \
	$(xmaudit_src))
$(B)/fuzz/liball.a: $(fuzz_objs)
	$(call archive)
$(B)/fuzz/bin/%: $(B)/fuzz/tests/fuzz/%.o $(B)/fuzz/liball.a
	@mkdir -p $(@D)
	$(call say,FUZZER,$@)
	$(Q)clang -fsanitize=fuzzer,address,undefined -o $@ $(filter %.o,$^) $(filter %.a,$^) \
		-lyaml -lexpat -lsodium -lcap-ng -lseccomp -ljansson
$(B)/fuzz/bin/fuzz_server: $(B)/fuzz/tests/broker_fakes.o $(B)/fuzz/tests/domain.o

fuzz: $(fuzz_bins)
	@for target in $(fuzz_bins); do \
		name=$$(basename $$target); mkdir -p $(B)/fuzz/corpus/$$name; \
		seeds=; [ -d tests/fuzz/seeds/$$name ] && seeds=tests/fuzz/seeds/$$name; \
		printf '  %-24s %s s\n' $$name $(FUZZ_SECONDS); \
		dict=; [ -f tests/fuzz/$$name.dict ] && dict=-dict=tests/fuzz/$$name.dict; \
		$$target $$dict -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
			-artifact_prefix=$(B)/fuzz/ $(B)/fuzz/corpus/$$name $$seeds >$(B)/fuzz/$$name.log 2>&1 || \
			{ tail -n 60 $(B)/fuzz/$$name.log; exit 1; }; \
		grep -E 'number_of_executed_units' $(B)/fuzz/$$name.log; \
	done

# ---- demonstration, bench, continuous integration ---------------------------------------------------

demo: deps-build
	@$(MAKE) --no-print-directory all $(demo_programs)
	@XM_BUILD="$$(cd '$(B)' && pwd)" sh tests/demo.sh
bench: deps-build
	@$(MAKE) --no-print-directory all $(B)/tests/bench
	@$(B)/tests/bench $(BENCH_ARGS) $(B)

$(B)/examples/%: libxm/examples/%.c $(B)/libxm-linux.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Wno-missing-prototypes $(ALL_LDFLAGS) -pie -o $@ $^ -lpthread

# ---- under attack -----------------------------------------------------------------------------------

.PHONY: attack kill-test prove-promises
# What several users can do to a broker, while others ask it for their due: two minutes.
attack: deps-check
	@$(MAKE) --no-print-directory all $(clients) $(honest)
	@XM_BUILD="$$(cd '$(B)' && pwd)" PYTHONDONTWRITEBYTECODE=1 python3 tests/attack/attack.py $(ATTACK_ARGS)
# A thousand ends at random moments, and nothing that was answered is missing in the log.
kill-test: deps-check
	@$(MAKE) --no-print-directory all $(clients) $(honest)
	@XM_BUILD="$$(cd '$(B)' && pwd)" PYTHONDONTWRITEBYTECODE=1 KILLS=$${KILLS:-1000} python3 tests/e2e/test_kill.py
# Without each mechanism that a promise rests on, a test fails.
prove-promises: deps-check
	@$(MAKE) --no-print-directory check-build
	@B='$(B)' PYTHONDONTWRITEBYTECODE=1 python3 tests/promises/prove.py $(PROVE_ARGS)

# Where the processors would wait, for the end of a time or for each other, something else is done beside it.
ci: deps-ci
	@$(MAKE) --no-print-directory WERROR=-Werror all check-headers check-format check-man check-abi
	@sh tests/tools/beside.sh '$(B)/ci-beside-1.log' \
		"$(MAKE) --no-print-directory WERROR=-Werror vmtest && \
		$(MAKE) --no-print-directory WERROR=-Werror vmtest-arm64" \
		"$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=10 && $(MAKE) --no-print-directory check-tsan"
	@$(MAKE) --no-print-directory check-valgrind
	@$(MAKE) --no-print-directory demo
	@$(MAKE) --no-print-directory bench BENCH_ARGS=--quick
	@$(MAKE) --no-print-directory attack ATTACK_ARGS=--quick
	@sh tests/tools/beside.sh '$(B)/ci-beside-2.log' "$(MAKE) --no-print-directory check-asan" \
		"export JOBS=1; renice -n 10 \$$\$$ >/dev/null; $(MAKE) --no-print-directory check-clang && \
		$(MAKE) --no-print-directory analyze && $(MAKE) --no-print-directory check-dkms kmod-lint && \
		$(MAKE) --no-print-directory kmod-cross"
	@$(MAKE) --no-print-directory WERROR=-Werror check
	@$(MAKE) --no-print-directory clean-elsewhere
	@cat '$(B)/vm/tests' '$(B)/aarch64-linux-gnu/vm/tests'

# How far systemd's own measure finds the service exposed, and by what: see "The service" in xmbroker(8).
.PHONY: unit-security
unit-security:
	@systemd-analyze security --offline=true --no-pager xmbroker/xmbroker.service

# ---- what has to be installed -----------------------------------------------------------------------

build_packages := gcc libc6-dev make pkg-config libseccomp-dev libcap-ng-dev libyaml-dev \
	libexpat1-dev libsodium-dev libjansson-dev
# Debian has the 32-bit halves of compiler and C library on amd64 only; Debian 12 has gcc 12.
gcc_version = $(or $(shell gcc -dumpversion 2>/dev/null),12)
packages_32 = $(if $(filter amd64,$(shell dpkg --print-architecture 2>/dev/null)),libc6-dev-i386 \
	lib32gcc-$(gcc_version)-dev lib32stdc++-$(gcc_version)-dev)
check_packages = $(build_packages) $(packages_32) g++ libcriterion-dev python3 python3-jsonschema \
	python3-yaml binutils git
ci_packages = $(check_packages) clang clang-format clang-tidy libclang-rt-dev cppcheck valgrind mandoc \
	groff-base abigail-tools $(kmod_lint_packages) $(vm_packages) $(vm_packages_amd64) $(vm_packages_arm64)

define need
@missing=; for package in $(1); do \
	dpkg-query -Wf '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || \
		missing="$$missing $$package"; \
done; \
if [ -n "$$missing" ]; then \
	if [ "$$(id -u)" != 0 ]; then \
		echo "These packages are missing; install them as root:" >&2; \
		echo "  apt-get install$$missing" >&2; exit 1; \
	fi; \
	echo "  installing$$missing"; \
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
		--no-install-recommends $$missing; } >/dev/null || exit 1; \
fi
endef

ifneq ($(triplet),)
deps: deps-build
	$(call need,gcc-$(triplet) libc6-dev-$(debian_arch)-cross)
else ifeq ($(M32),)
deps: deps-check
else
deps:
	$(call need,gcc libc6-dev make $(packages_32))
endif
deps-build:
	$(call need,$(build_packages))
deps-check:
	$(call need,$(check_packages))
deps-ci:
	$(call need,$(ci_packages))

# ---- installation -----------------------------------------------------------------------------------

prefix = $(DESTDIR)$(PREFIX)

install-libraries: libraries
	$(call say,INSTALL,$(prefix)/$(LIBDIR))
	$(Q)install -d '$(prefix)/include/xm' '$(prefix)/$(LIBDIR)/pkgconfig'
	$(Q)find include -type f ! -path 'include/xm/uapi/*' | while read -r header; do \
		install -D -m 644 "$$header" '$(prefix)/'"$$header"; done
	$(Q)install -m 755 $(B)/libxm.so.0 '$(prefix)/$(LIBDIR)'
	$(Q)ln -sf libxm.so.0 '$(prefix)/$(LIBDIR)/libxm.so'
	$(Q)install -m 644 $(B)/libxm.a $(B)/libxm-linux.a '$(prefix)/$(LIBDIR)'
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' -e 's|@VERSION@|$(VERSION)|g' \
		libxm/libxm.pc.in >'$(prefix)/$(LIBDIR)/pkgconfig/libxm.pc'

ifneq ($(M32),)
install: install-libraries
else
install: all install-libraries
	$(call say,INSTALL,$(prefix))
	$(Q)install -d '$(prefix)/sbin' '$(prefix)/bin' '$(prefix)/libexec/xmbroker' \
		'$(prefix)/share/xmbroker/policy' '$(prefix)/share/xmbroker/examples' \
		'$(prefix)/share/xmbroker/common' '$(prefix)/share/xmbroker/systemd'
	$(Q)install -m 755 $(addprefix $(B)/,$(sbin)) '$(prefix)/sbin'
	$(Q)install -m 755 $(addprefix $(B)/,$(bin)) '$(prefix)/bin'
	$(Q)install -m 755 $(addprefix $(B)/,$(libexec)) '$(prefix)/libexec/xmbroker'
	$(Q)install -m 644 libxm/examples/*.c libxm/examples/Makefile '$(prefix)/share/xmbroker/examples'
	$(Q)install -m 644 libxm/common/* '$(prefix)/share/xmbroker/common'
	$(Q)install -m 644 policy/examples/* '$(prefix)/share/xmbroker/policy'
	$(Q)install -m 644 $(unit_files) '$(prefix)/share/xmbroker/systemd'
	$(Q)install -d '$(prefix)/share/bash-completion/completions' '$(prefix)/share/zsh/site-functions'
	$(Q)install -m 644 completions/bash/* '$(prefix)/share/bash-completion/completions'
	$(Q)install -m 644 completions/zsh/* '$(prefix)/share/zsh/site-functions'
	$(Q)for page in $(man_src) $(B)/man/xm_hypercalls.7; do \
		install -D -m 644 "$$page" '$(prefix)/share/man/man'"$${page##*.}/$$(basename $$page)"; done
	$(Q)while read -r page name; do \
		echo ".so man3/$$page.3" >'$(prefix)/share/man/man3/'"$$name.3"; done <man/links
endif

# The module for DKMS, which builds it for each kernel; the rule for its device, and a sample of parameters.
.PHONY: install-dkms
dkms_dir = $(DESTDIR)/usr/src/xmctl-$(VERSION)
install-dkms:
	$(call say,INSTALL,$(dkms_dir))
	$(Q)install -d '$(dkms_dir)' '$(DESTDIR)/usr/lib/udev/rules.d' '$(prefix)/share/xmbroker' \
		'$(prefix)/include/xm/uapi' '$(prefix)/share/man/man4'
	$(Q)cp --parents --no-preserve=ownership $(kmod_files) '$(dkms_dir)'
	$(Q)install -m 644 kmod/Kbuild '$(dkms_dir)'
	$(Q)sed 's/@VERSION@/$(VERSION)/' kmod/dkms.conf >'$(dkms_dir)/dkms.conf'
	$(Q)install -m 644 kmod/70-xmctl.rules '$(DESTDIR)/usr/lib/udev/rules.d'
	$(Q)install -m 644 kmod/xmctl.conf '$(prefix)/share/xmbroker'
	$(Q)install -m 644 include/xm/uapi/xmctl.h '$(prefix)/include/xm/uapi'
	$(Q)install -m 644 man/xmctl.4 '$(prefix)/share/man/man4'

.PHONY: clean-elsewhere
clean-elsewhere:
	@find '$(B)' -maxdepth 2 -name elsewhere -exec sh -c 'xargs rm -rf <"$$1"; rm "$$1"' - {} ';' 2>/dev/null || :
clean: clean-elsewhere
	rm -rf $(B)

-include $(shell find $(B) -type f -name '*.d' 2>/dev/null)
