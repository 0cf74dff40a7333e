/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_SYSTEM_SYSTEM_H
#define XM_SYSTEM_SYSTEM_H

/*
 * The system description as data: one contiguous block of fixed-width records without pointers, so
 * that it can be sealed into a policy image, mapped, verified and read without parsing.  It is built
 * by system_load() (load.h, the only one that sees XML) and never changes afterwards.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYSTEM_MAGIC 0x33737953u /* "Sys3" */
#define SYSTEM_NAME 32           /* bytes of a name with its NUL and padding */
#define SYSTEM_NO_CHANNEL UINT32_MAX
#define SYSTEM_INFINITE INT64_MAX

enum system_table {
	SYSTEM_PARTITIONS,
	SYSTEM_PORTS,
	SYSTEM_CHANNELS,
	SYSTEM_PLANS,
	SYSTEM_SLOTS,
	SYSTEM_HM,
	SYSTEM_AREAS,
	SYSTEM_IPVIS,
	SYSTEM_N_TABLES
};

struct system_section {
	uint32_t offset; /* from the start of the block, 8-aligned */
	uint32_t count;
};

struct system {
	uint32_t magic;
	uint32_t size;           /* of the whole block */
	uint32_t profile;        /* enum xm_profile; 2.4 stands for 2.x unless 2.6 was asked for */
	uint32_t hm_capacity;    /* records that the health monitor log holds; 0: none */
	uint32_t trace_capacity; /* and the hypervisor's trace */
	uint32_t cpu_khz;        /* of processor 0; 0: not said */
	char name[SYSTEM_NAME];
	char version[SYSTEM_NAME];
	struct system_section table[SYSTEM_N_TABLES];
};

#define SYSTEM_PF_SYSTEM 0x1 /* may manage other partitions (flag "system", in 2.x "sv") */
#define SYSTEM_PF_BOOT 0x2   /* runs when the system starts */
#define SYSTEM_PF_FP 0x4
#define SYSTEM_PF_CONSOLE 0x8      /* has a console device */
#define SYSTEM_PF_SPARE_GUEST 0x10 /* 2.x: takes part in spare scheduling */
#define SYSTEM_PF_SPARE_HOST 0x20

/* Partitions stand in order of their ids, which are 0..n-1. */
struct system_partition {
	char name[SYSTEM_NAME];
	uint32_t id;
	uint32_t flags;
	uint32_t n_vcpus;
	uint32_t first_port; /* index of its first port; they are consecutive */
	uint32_t n_ports;
	uint32_t hw_irqs;        /* a bit for each interrupt line that it owns */
	uint32_t trace_bitmask;  /* kinds of events that its trace keeps; 0: it has none */
	uint32_t trace_capacity; /* records */
	uint32_t
		console_capacity; /* 2.x: bytes of the memory block that is its console; 0: no block */
	uint32_t reserved;
};

#define SYSTEM_SAMPLING 0
#define SYSTEM_QUEUING 1
#define SYSTEM_DESTINATION 1
#define SYSTEM_SOURCE 2

/* The position of a port in this table is the id that the hypervisor gives it. */
struct system_port {
	char name[SYSTEM_NAME];
	uint32_t partition;
	uint32_t type;
	uint32_t direction;
	uint32_t channel; /* index, or SYSTEM_NO_CHANNEL */
};

struct system_channel {
	uint32_t type;
	uint32_t max_message_length; /* bytes */
	uint32_t max_no_messages;    /* 0 for sampling */
	uint32_t source;             /* port index */
	int64_t valid_period;        /* us; 0: in 2.x without limit, in 3.x never valid */
};

struct system_plan {
	char name[SYSTEM_NAME];
	uint32_t id;
	uint32_t processor;
	uint32_t first_slot;
	uint32_t n_slots;
	int64_t major_frame; /* us */
};

struct system_slot {
	int64_t start;    /* us from the start of the major frame */
	int64_t duration; /* us */
	uint32_t id;      /* in 2.x any number, otherwise its place in the plan */
	uint32_t partition;
	uint32_t vcpu;
	uint32_t reserved;
};

/* What happens on a health monitor event; `scope` is a partition or XM_HYPERVISOR_ID.  The event is
 * numbered as the profile numbers it, the action as 3.x does (events.h). */
struct system_hm {
	uint32_t scope;
	uint32_t event;
	uint32_t action;
	uint32_t log;
};

/* A partition's piece of physical memory. */
struct system_area {
	char name[SYSTEM_NAME];
	uint64_t start;
	uint64_t size;
	uint64_t mapped_at;
	uint32_t partition;
	uint32_t flags; /* as 3.x numbers them (XM_MEM_AREA_...) */
};

#define SYSTEM_FIRST_IPVI 24
#define SYSTEM_N_IPVIS 8

/* One partition that a virtual interrupt of another reaches. */
struct system_ipvi {
	uint32_t number; /* SYSTEM_FIRST_IPVI and above */
	uint32_t source;
	uint32_t destination;
	uint32_t reserved;
};

/* What a description may hold at most; the loader and system_verify() see to it. */
#define SYSTEM_MAX_PARTITIONS 255
#define SYSTEM_MAX_PORTS 1024 /* what an object descriptor can name */
#define SYSTEM_MAX_CHANNELS 1024
#define SYSTEM_MAX_PROCESSORS 32
#define SYSTEM_MAX_PLANS 1024
#define SYSTEM_MAX_SLOTS 65536
#define SYSTEM_MAX_HM 16384
#define SYSTEM_MAX_AREAS 4096
#define SYSTEM_MAX_IPVIS 16384
#define SYSTEM_MAX_VCPUS 16
#define SYSTEM_MAX_MESSAGE (16u << 20)     /* bytes of one message */
#define SYSTEM_MAX_BUFFERS (1u << 30)      /* bytes of all channels' messages */
#define SYSTEM_MESSAGE_COST 4              /* bytes that each counts for beside its own */
#define SYSTEM_MAX_TIME (INT64_C(1) << 53) /* us; 285 years */
#define SYSTEM_MAX_CONSOLE (16u << 20)     /* bytes of a console that is a memory block */
#define SYSTEM_MAX_LOG (1u << 20)          /* records of all logs and traces */

/* Whether `len` bytes at `block` (8-aligned) are a well-formed description: every offset, count,
 * index and name in bounds.  Everything below may be used only on a verified one. */
bool system_verify(const void *block, size_t len);

const struct system_partition *system_partitions(const struct system *sys, uint32_t *countp);
const struct system_port *system_ports(const struct system *sys, uint32_t *countp);
const struct system_channel *system_channels(const struct system *sys, uint32_t *countp);
const struct system_plan *system_plans(const struct system *sys, uint32_t *countp);
const struct system_slot *system_slots(const struct system *sys, uint32_t *countp);
const struct system_hm *system_hm(const struct system *sys, uint32_t *countp);
const struct system_area *system_areas(const struct system *sys, uint32_t *countp);
const struct system_ipvi *system_ipvis(const struct system *sys, uint32_t *countp);

/* The record with this number, or NULL. */
const struct system_partition *system_partition(const struct system *sys, uint64_t id);
const struct system_port *system_port(const struct system *sys, uint64_t id);
/* The channel of a port, or NULL. */
const struct system_channel *system_port_channel(const struct system *sys,
						 const struct system_port *port);
/* What a channel's messages take: bytes that count towards SYSTEM_MAX_BUFFERS. */
uint64_t system_channel_bytes(const struct system_channel *channel);
/* The port of a partition with this name (len bytes, no NUL), or NULL. */
const struct system_port *system_port_by_name(const struct system *sys, uint32_t partition,
					      const void *name, size_t len);
/* Id of the partition or (of processor 0) plan with this name, or -1. */
int system_partition_by_name(const struct system *sys, const char *name);
int system_plan_by_name(const struct system *sys, const char *name);
/* Number of plans of processor 0, which is what a plan id ranges over. */
uint32_t system_n_plans(const struct system *sys);

#endif
