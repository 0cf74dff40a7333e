/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_SIM_INTERNAL_H
#define XMBROKER_SIM_SIM_INTERNAL_H

/*
 * State of the simulated hypervisor, shared by the families of operations, which are declared at the
 * end with the file that each is in.
 */

#include "xmbroker/sim/sim.h"

#define SIM_NAME 16 /* characters of a name that the hypervisor compares */
#define SIM_TIMERS 3

enum { SIM_MODE_IDLE, SIM_MODE_COLD, SIM_MODE_WARM, SIM_MODE_NORMAL };
enum { SIM_SAMPLES_READ, SIM_SAMPLES_WRITTEN, SIM_SENT, SIM_RECEIVED, SIM_COUNTERS };

struct sim_timer {
	int64_t at;       /* 0: not armed */
	int64_t interval; /* 0: once */
};

/* Virtual interrupts: those of hardware lines and those of the hypervisor. */
enum { SIM_HW_IRQS, SIM_EXT_IRQS, SIM_IRQS };

struct sim_irqs {
	uint32_t mask, pend; /* a bit for each of 32 */
};

struct sim_vcpu {
	bool halted;
	bool suspended;
	bool fresh; /* has not had a slot since it was started */
	uint32_t op_mode;
	int64_t exec; /* us that it has run */
	struct sim_timer timer[SIM_TIMERS];
	bool takes_irqs;
	struct sim_irqs irqs[SIM_IRQS];
};

struct sim_partition {
	const struct system_partition *config; /* borrowed */
	struct sim_vcpu *vcpu;                 /* config->n_vcpus of them, of sim->vcpus */
	uint32_t slots; /* a bit for each virtual processor that has one in some plan */
	bool idle;      /* gave up the rest of its slot */
	uint32_t idler; /* the virtual processor that did */
	uint32_t reset_counter;
	uint32_t reset_status;
	uint64_t generation;
	uint64_t count[SIM_COUNTERS];
};

/* A processor with a plan table; its plans stand together. */
struct sim_processor {
	const struct system_plan *plans; /* borrowed */
	uint32_t n_plans;
	uint32_t plan, next;
	int32_t prev;
	int64_t epoch;       /* when the first major frame of the plan began */
	bool begun;          /* the slot that starts at `epoch`, if there is one */
	int64_t settled;     /* up to when slots are accounted */
	int64_t switch_at;   /* when `next` takes over, if it is another plan */
	int64_t switch_time; /* HW clock of the last switch */
	uint64_t frames;     /* completed before `epoch` */
};

struct sim_port {
	bool open;
	uint8_t state; /* of its message: enum sim_message */
};

enum sim_message { SIM_EMPTY = 0, SIM_VALID = 1, SIM_CONSUMED = 2, SIM_NEW = 4 };

struct sim_channel {
	uint8_t *data; /* room for the messages; owned */
	uint32_t *len; /* of each; owned */
	uint32_t head, n;
	int64_t stamp; /* HW clock of the last write */
};

#define SIM_PAYLOAD 4

struct sim_record {
	uint32_t op_code_h, op_code_l;
	int64_t timestamp;
	uint64_t payload[SIM_PAYLOAD];
};

/* The stream of the health monitor, or of a trace. */
struct sim_log {
	struct sim_record *records; /* owned */
	uint32_t capacity, head, n, cursor;
	uint32_t sequence;
	bool locked;
};

/* What differs between the two: how a record begins, and where its payload stands. */
struct sim_log_kind {
	uint16_t signature;
	unsigned int payload; /* position of the first word */
};

#define SIM_PAGE 4096
#define SIM_PAGES (SIM_MEMORY / SIM_PAGE)

enum { SIM_PAGE_ORDINARY, SIM_PAGE_PTDL1, SIM_PAGE_PTDL2, SIM_PAGE_PTDL3 };

/* A page of physical memory that was written or given a type; all others are ordinary and zero. */
struct sim_page {
	bool used;
	uint32_t type;
	uint64_t number;
	uint8_t *data; /* owned; NULL: zeroes */
};

struct sim_memory {
	struct sim_page *pages; /* owned; a hash table, made when it is first needed */
	uint32_t n;
};

struct sim {
	const struct system *sys; /* borrowed */
	bool prtos;
	bool halted;
	uint32_t reset_counter;
	uint64_t hm_events;
	int64_t now, boot;
	uint32_t n_partitions, n_vcpus, n_ports, n_channels, n_processors;
	struct sim_partition *partitions; /* these five owned */
	struct sim_vcpu *vcpus;
	struct sim_port *ports;
	struct sim_channel *channels;
	struct sim_processor *processors;
	struct sim_log log;
	struct sim_log *traces; /* of each partition and last of the hypervisor; owned */
	struct sim_memory memory;
	sim_console_fn console;
	void *console_arg;
};

/* A call in hand. */
struct sim_call {
	struct sim *sim;
	uint32_t self;
	struct sim_partition *caller;
	struct sim_vcpu *vcpu; /* that calls: the first of the caller's that runs */
	const struct xm_value *arg;
	const struct xm_request *req;
	struct xm_reply *reply;
	enum sim_result result;
};

typedef enum xm_code sim_fn(struct sim_call *call);

/* Whether the caller may manage others. */
static inline bool sim_is_system(const struct sim_call *call)
{
	return call->caller->config->flags & SYSTEM_PF_SYSTEM;
}

static inline bool sim_vcpu_runs(const struct sim_vcpu *vcpu)
{
	return !vcpu->halted && !vcpu->suspended;
}

static inline int64_t sim_clock(const struct sim *sim)
{
	return sim->now - sim->boot;
}

static inline uint32_t sim_vcpu_number(const struct sim_call *call)
{
	return (uint32_t)(call->vcpu - call->caller->vcpu);
}

/* After what may have stopped the caller itself: what becomes of the call that did it. */
void sim_settle(struct sim_call *call, uint64_t generation);
/* Compares as the hypervisor does: the first SIM_NAME characters. */
bool sim_same_name(const char *name, const struct xm_value *v);

/* sim_time.c */
void sim_time_boot(struct sim *sim);
void sim_advance(struct sim *sim, int64_t now);
void sim_switch_now(struct sim *sim, uint32_t plan);
sim_fn sim_get_time, sim_set_timer, sim_switch_plan, sim_plan_status;

/* sim_partition.c */
void sim_boot(struct sim *sim);
/* Halts it; and restarts it, mode as enum above, or -1 when it has nothing to start. */
void sim_halt(struct sim *sim, struct sim_partition *p);
int sim_restart(struct sim *sim, struct sim_partition *p, uint32_t mode, uint32_t status);
void sim_suspend(struct sim_partition *p);
void sim_halt_all(struct sim *sim);
void sim_reset_all(struct sim *sim, bool warm);
sim_fn sim_halt_partition, sim_suspend_partition, sim_resume_partition, sim_reset_partition;
sim_fn sim_shutdown_partition, sim_idle_self, sim_halt_system, sim_reset_system;

/* sim_port.c */
void sim_close_ports(struct sim *sim, const struct sim_partition *p);
void sim_clear_channels(struct sim *sim);
sim_fn sim_create_port, sim_port_info, sim_sampling_status, sim_queuing_status;
sim_fn sim_read_sampling, sim_write_sampling, sim_send, sim_receive;

/* sim_log.c */
void sim_log_insert(struct sim_log *log, const struct sim_record *record);
void sim_log_put(const struct sim_log_kind *kind, const struct sim_record *record, uint64_t *words);
/* Fills output `arg` with up to `wanted` records and returns how many there were. */
void sim_log_read(struct sim_call *call, unsigned int arg, uint64_t wanted, struct sim_log *log,
		  const struct sim_log_kind *kind);
bool sim_log_seek(struct sim_log *log, const struct xm_value *offset,
		  const struct xm_value *whence);
void sim_log_status(struct sim_call *call, unsigned int arg, const struct sim_log *log);

/* sim_hm.c */
void sim_hm_raise(struct sim *sim, uint32_t partition, uint32_t vcpu, uint32_t event,
		  const uint64_t *payload);
sim_fn sim_hm_read, sim_hm_seek, sim_hm_status, sim_hm_lock, sim_hm_unlock, sim_hm_reset;

/* sim_trace.c */
sim_fn sim_trace_event, sim_trace_read, sim_trace_seek, sim_trace_status;
sim_fn sim_trace_lock, sim_trace_unlock, sim_trace_reset;

/* sim_memory.c */
void sim_memory_free(struct sim_memory *memory);
void sim_forget_page_types(struct sim *sim);
uint32_t sim_page_type(const struct sim *sim, uint64_t address);
bool sim_set_type(struct sim *sim, uint64_t address, uint32_t type);
/* The area of a partition in which `size` bytes (not 0) at this address lie, or NULL. */
const struct system_area *sim_area(const struct sim *sim, uint64_t partition, uint64_t address,
				   uint64_t size);
sim_fn sim_memory_copy;

/* sim_machine.c */
sim_fn sim_update_page32, sim_set_page_type, sim_physpage_status;
sim_fn sim_load_register, sim_update_descriptor;

/* sim_irq.c */
void sim_reset_irqs(struct sim_vcpu *vcpu);
sim_fn sim_set_irqmask, sim_clear_irqmask, sim_set_irqpend, sim_clear_irqpend, sim_route_irq;
sim_fn sim_raise_ipvi, sim_raise_partition_ipvi, sim_raise_trap, sim_override_trap;
sim_fn sim_set_if, sim_clear_if;

/* sim_vcpu.c */
sim_fn sim_reset_vcpu, sim_halt_vcpu, sim_suspend_vcpu, sim_resume_vcpu, sim_get_vcpuid;

/* sim_tables.c */
sim_fn sim_partition_table, sim_partition_mmap;

/* sim_status.c */
sim_fn sim_system_status, sim_partition_status, sim_vcpu_status;
sim_fn sim_set_opmode, sim_get_gid;

#endif
