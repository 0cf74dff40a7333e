/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_SIM_INTERNAL_H
#define XMBROKER_SIM_SIM_INTERNAL_H

/*
 * State of the simulated hypervisor, shared by the families of operations, which are declared at the
 * end with the file that each is in.
 */

#include "xmbroker/sim/sim.h"

#define SIM_NAME 16 /* characters of a name that the hypervisor compares */
enum { SIM_TIMER_HW, SIM_TIMER_EXEC, SIM_TIMER_WATCHDOG, SIM_TIMERS };

enum { SIM_MODE_IDLE, SIM_MODE_COLD, SIM_MODE_WARM, SIM_MODE_NORMAL };
enum { SIM_SAMPLES_READ, SIM_SAMPLES_WRITTEN, SIM_SENT, SIM_RECEIVED, SIM_COUNTERS };

struct sim_timer {
	int64_t at;       /* 0: not armed */
	int64_t interval; /* 0: once */
};

/* Virtual interrupts: those of hardware lines and those of the hypervisor. */
enum { SIM_HW_IRQS, SIM_EXT_IRQS, SIM_IRQS };

/* Those of the hypervisor, as bits; above them are those between partitions. */
enum {
	SIM_IRQ_HW_TIMER = 0,
	SIM_IRQ_EXEC_TIMER = 1,
	SIM_IRQ_WATCHDOG = 2,
	SIM_IRQ_SHUTDOWN = 3,
	SIM_IRQ_OBJDESC = 4, /* 2.x: traffic in a queue */
	SIM_IRQ_SAMPLING = 4,
	SIM_IRQ_QUEUING = 5,
	SIM_IRQ_SLOT_START = 8,
};

struct sim_irqs {
	uint32_t mask, pend; /* a bit for each of 32 */
};

struct sim_vcpu {
	bool halted;
	bool suspended; /* in 2.x: not ready */
	bool fresh;     /* has not had a slot since it was started */
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
	bool idle;      /* gave up the rest of its slot, and waits for its next one */
	uint32_t idler; /* the virtual processor that did */
	int64_t yields; /* 2.x: until then an interrupt ends this */
	const struct sim_partition *guest; /* has the rest of the slot instead, or NULL */
	uint64_t irqs;                     /* raised at it */
	uint32_t op_mode;                  /* of the partition, which no slot changes */
	uint32_t reset_counter;
	uint32_t reset_status;
	uint64_t generation;
	uint64_t count[SIM_COUNTERS];
	uint8_t *console; /* what one in memory holds, config->console_capacity bytes; owned */
	uint32_t console_at;
	struct sim_spare_plan *spare; /* owned; NULL: none */
};

struct sim_spare_slot {
	uint32_t id, partition, duration;
};

/* What a host does with its slots (2.4). */
struct sim_spare_plan {
	int64_t cycle;
	uint32_t n;
	struct sim_spare_slot slot[XM_MAX_SPARE_SLOTS];
};

/* A processor with a plan table; its plans stand together. */
struct sim_processor {
	const struct system_plan *plans; /* borrowed */
	uint32_t n_plans;
	uint32_t plan, next;
	int32_t prev;
	int64_t epoch;                  /* when the first major frame of the plan began */
	bool begun;                     /* the slot that starts at `epoch`, if there is one */
	int64_t settled;                /* up to when slots are accounted */
	const struct system_slot *slot; /* in force then, or NULL */
	int64_t boundary;               /* until when it is */
	int64_t switch_at;              /* when `next` takes over, if it is another plan */
	int64_t switch_time;            /* HW clock of the last switch */
	uint64_t frames;                /* completed before `epoch` */
};

struct sim_port {
	bool open;
	uint8_t state; /* of its message: enum sim_message */
};

enum sim_message { SIM_EMPTY = 0, SIM_VALID = 1, SIM_CONSUMED = 2, SIM_NEW = 4 };

struct sim_channel {
	uint8_t *data;   /* room for the messages; owned */
	uint32_t *len;   /* of each; owned */
	int64_t *stamps; /* HW clock when each was sent (2.x queues); owned, NULL otherwise */
	uint32_t head, n;
	uint32_t first; /* port; the others follow in sim->next_port */
	int64_t stamp;  /* HW clock of the last write */
};

#define SIM_PAYLOAD 5 /* words; 3.x and traces have one less */

struct sim_record {
	uint32_t op_code_h, op_code_l;
	uint32_t module; /* of a trace of 2.x */
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

/* What differs between the two: how a record begins (not in 2.x), and where its payload stands. */
struct sim_log_kind {
	uint16_t signature;
	unsigned int payload; /* position of the first word */
	unsigned int n_payload;
	int module; /* position, or -1 */
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
	enum xm_profile profile;
	unsigned int family; /* 2 or 3 */
	bool quirks;
	bool prtos;
	bool halted;
	bool timers;     /* some may be armed */
	uint32_t n_idle; /* partitions */
	uint32_t reset_counter;
	uint64_t hm_events;
	uint64_t expiries; /* of timers, ever */
	int64_t now, boot;
	uint32_t n_partitions, n_vcpus, n_ports, n_channels, n_processors;
	struct sim_partition *partitions; /* these five owned */
	struct sim_vcpu *vcpus;
	struct sim_port *ports;
	uint32_t *
		next_port; /* of the same channel, for each; the number of ports at the end; owned */
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

/* The operations in which 2.x differs; NULL: as in 3.x. */
extern sim_fn *const sim_operations_2x[XM_N_OPS];

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

/* A pointer that 2.x refuses before it looks at anything else; NULL is not one. */
static inline bool sim_bad_pointer(const struct sim_call *call, unsigned int arg)
{
	return call->sim->family == 2 &&
	       (call->arg[arg].state == XM_ST_FAULT || call->arg[arg].state == XM_ST_UNALIGNED);
}

/* Where the originals answer the number -1, whatever that is called there. */
static inline enum xm_code sim_minus_one(const struct sim *sim)
{
	return sim->profile == XM_PROFILE_ID_2_4 ? XM_C_UNKNOWN_HYPERCALL : XM_C_NO_ACTION;
}

/* What a seek to nowhere says, but that of 3.x in the health monitor log. */
static inline enum xm_code sim_no_such_whence(const struct sim *sim)
{
	return sim->quirks || sim->family == 3 ? sim_minus_one(sim) : XM_C_INVALID_PARAM;
}

/* After what may have stopped the caller itself: what becomes of the call that did it. */
void sim_settle(struct sim_call *call, uint64_t generation);
/* After what certainly did. */
enum xm_code sim_gone(struct sim_call *call);
/* Compares as 3.x does: the first SIM_NAME characters. */
bool sim_same_name(const char *name, const struct xm_value *v);

/* sim_time.c */
void sim_time_boot(struct sim *sim);
void sim_advance(struct sim *sim, int64_t now);
void sim_switch_now(struct sim *sim, uint32_t plan);
/* When and whether a virtual processor has the processor. */
struct sim_place {
	bool in_slot;
	int64_t end;  /* of that slot */
	int64_t next; /* start of the next one that the plan in force gives; -1: none */
};
struct sim_place sim_locate(const struct sim *sim, uint32_t partition, uint32_t vcpu, int64_t at);
void sim_set_idle(struct sim *sim, struct sim_partition *p, bool idle);
/* The caller does without the rest of its slot, which a guest may have instead. */
void sim_give_up_slot(struct sim_call *call, const struct sim_partition *guest);
/* Asks for a plan at the end of the major frame; fills oldPlan. */
void sim_request_plan(struct sim_call *call, uint32_t plan);
sim_fn sim_switch_plan, sim_plan_status;

/* sim_timer.c: `until` is the end of the time that is passing; -1: none before it. */
int64_t sim_next_timer(const struct sim *sim, int64_t until);
void sim_fire_timers(struct sim *sim, int64_t until);
/* When one does something that somebody waits for; -1: never. */
int64_t sim_timer_wakeup(const struct sim *sim);
sim_fn sim_get_time, sim_set_timer;

/* sim_partition.c */
void sim_boot(struct sim *sim);
/* Halts it; and restarts it, mode as enum above, or -1 when it has nothing to start. */
void sim_halt(struct sim *sim, struct sim_partition *p);
int sim_restart(struct sim *sim, struct sim_partition *p, uint32_t mode, uint32_t status);
void sim_suspend(struct sim_partition *p);
void sim_halt_all(struct sim *sim);
/* With the reset status that partitions then find. */
void sim_reset_all(struct sim *sim, bool warm, uint32_t status);
/* Whether argument 0 names another partition, which only a system partition may manage. */
enum xm_code sim_target(const struct sim_call *call, struct sim_partition **targetp);
sim_fn sim_halt_partition, sim_suspend_partition, sim_resume_partition, sim_reset_partition;
sim_fn sim_shutdown_partition, sim_idle_self, sim_halt_system, sim_reset_system;

/* sim_console.c */
sim_fn sim_write_console, sim_read_console, sim_seek_console;

/* sim_port.c, sim_message.c, sim_port_status.c */
void sim_close_ports(struct sim *sim, const struct sim_partition *p);
void sim_clear_channels(struct sim *sim);
sim_fn sim_create_port, sim_port_info, sim_sampling_status, sim_queuing_status;
sim_fn sim_read_sampling, sim_write_sampling, sim_send, sim_receive;

/* sim_spare.c */
sim_fn sim_set_spare_guest, sim_gather_spare, sim_set_spare_plan, sim_get_spare_plan;

/* sim_log.c */
void sim_log_insert(const struct sim *sim, struct sim_log *log, const struct sim_record *record);
void sim_log_put(const struct sim *sim, const struct sim_log_kind *kind,
		 const struct sim_record *record, uint64_t *words);
/* Fills output `arg` with up to `wanted` records and returns how many there were. */
void sim_log_read(struct sim_call *call, unsigned int arg, uint64_t wanted, struct sim_log *log,
		  const struct sim_log_kind *kind);
bool sim_log_seek(struct sim_log *log, const struct xm_value *offset,
		  const struct xm_value *whence);
void sim_log_status(struct sim_call *call, unsigned int arg, const struct sim_log *log);

/* sim_hm.c; events in the numbers of the description */
uint32_t sim_event_watchdog(const struct sim *sim);
uint32_t sim_event_partition_error(const struct sim *sim);
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
sim_fn sim_memory_copy, sim_memory_copy_2x;

/* sim_machine.c */
sim_fn sim_update_page32, sim_set_page_type, sim_physpage_status;
sim_fn sim_load_register, sim_update_descriptor;
sim_fn sim_write_register32, sim_write_register64, sim_update_sys_struct;

/* sim_irq.c */
void sim_reset_irqs(struct sim_vcpu *vcpu);
/* Raises one of the hypervisor's at a virtual processor, or at all of a partition. */
void sim_raise_at(struct sim *sim, struct sim_partition *p, struct sim_vcpu *vcpu,
		  unsigned int irq);
void sim_raise(struct sim *sim, struct sim_partition *p, unsigned int irq);
sim_fn sim_set_irqmask, sim_clear_irqmask, sim_set_irqpend, sim_clear_irqpend, sim_route_irq;
sim_fn sim_raise_ipvi, sim_raise_partition_ipvi, sim_raise_trap, sim_override_trap;
sim_fn sim_mask_line, sim_unmask_line;
sim_fn sim_set_if, sim_clear_if;

/* sim_vcpu.c */
sim_fn sim_reset_vcpu, sim_halt_vcpu, sim_suspend_vcpu, sim_resume_vcpu, sim_get_vcpuid;

/* sim_tables.c */
sim_fn sim_partition_table, sim_partition_mmap;

/* sim_status.c */
sim_fn sim_system_status, sim_partition_status, sim_vcpu_status;
sim_fn sim_set_opmode, sim_get_gid;

#endif
