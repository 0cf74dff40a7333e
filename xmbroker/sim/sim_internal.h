/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_SIM_INTERNAL_H
#define XMBROKER_SIM_SIM_INTERNAL_H

/*
 * State of the simulated hypervisor, shared by the families of operations: sim_time.c,
 * sim_partition.c, sim_port.c, sim_hm.c, sim_status.c.
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

struct sim_vcpu {
	bool halted;
	bool suspended;
	bool fresh; /* has not had a slot since it was started */
	uint32_t op_mode;
	int64_t exec; /* us that it has run */
	struct sim_timer timer[SIM_TIMERS];
};

struct sim_partition {
	const struct system_partition *config; /* borrowed */
	struct sim_vcpu *vcpu;                 /* config->n_vcpus of them, of sim->vcpus */
	bool has_slots;                        /* in some plan, for its first virtual processor */
	bool idle;                             /* gave up the rest of its slot */
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

struct sim_record {
	uint32_t op_code_h, op_code_l;
	int64_t timestamp;
};

struct sim_log {
	struct sim_record *records; /* owned */
	uint32_t capacity, head, n, cursor;
	uint32_t sequence;
	bool locked;
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
	sim_console_fn console;
	void *console_arg;
};

/* A call in hand. */
struct sim_call {
	struct sim *sim;
	uint32_t self;
	struct sim_partition *caller;
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

/* sim_hm.c */
sim_fn sim_hm_read, sim_hm_seek, sim_hm_status, sim_hm_lock, sim_hm_unlock, sim_hm_reset;

/* sim_status.c */
sim_fn sim_system_status, sim_partition_status, sim_vcpu_status, sim_physpage_status;
sim_fn sim_set_opmode, sim_get_gid;

#endif
