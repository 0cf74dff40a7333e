/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_CORE_TABLE_H
#define XM_CORE_TABLE_H

/*
 * Access to the table of operations (xm/hypercalls.def).  Everything here is constant data and pure
 * look-ups: no allocation, no state, safe from any thread and in any process.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XM_MAX_ARGS 7
#define XM_MAX_FIELDS 16
#define XM_NAME_MAX 31        /* longest port or partition name, without its NUL */
#define XM_MAX_RECORDS 64     /* records (of a log, memory areas, slots) that one call may carry */
#define XM_MAX_SPARE_SLOTS 20 /* of a plan within slots */
#define XM_BATCH_MAX 512      /* elements of a multicall */
#define XM_HYPERVISOR_ID 0xff /* the "partition" that means the hypervisor itself */

/* Symbolic results: what travels on the wire and stands in the audit log.  Numbers are for ever. */
enum xm_code {
	XM_C_OK = 0,
	XM_C_NO_ACTION = 1,
	XM_C_UNKNOWN_HYPERCALL = 2,
	XM_C_INVALID_PARAM = 3,
	XM_C_PERM_ERROR = 4,
	XM_C_INVALID_CONFIG = 5,
	XM_C_INVALID_MODE = 6,
	XM_C_NOT_AVAILABLE = 7,
	XM_C_OP_NOT_ALLOWED = 8,
	XM_C_MULTICALL_ERROR = 9,
	XM_C_UNKNOWN_OUTCOME = 10, /* the connection or the hypervisor went away in mid-call */
	XM_N_CODES
};

/* The hypervisor families whose interface a program or a backend speaks. */
enum xm_profile {
	XM_PROFILE_ID_2_4 = 1,
	XM_PROFILE_ID_2_6 = 2,
	XM_PROFILE_ID_3_X = 3,
	XM_PROFILE_ID_PRTOS = 4,
};

/* Sets of them. */
#define XM_IN(profile) (1U << (profile))
#define XM_IN_24 XM_IN(XM_PROFILE_ID_2_4)
#define XM_IN_26 XM_IN(XM_PROFILE_ID_2_6)
#define XM_IN_3X XM_IN(XM_PROFILE_ID_3_X)
#define XM_IN_PRTOS XM_IN(XM_PROFILE_ID_PRTOS)
#define XM_IN_2 (XM_IN_24 | XM_IN_26)
#define XM_IN_3 (XM_IN_3X | XM_IN_PRTOS)
#define XM_IN_ALL (XM_IN_2 | XM_IN_3)

enum xm_type {
	XM_T_U32,
	XM_T_S32,
	XM_T_U64,
	XM_T_S64,
	XM_T_NAME,     /* in: string of at most XM_NAME_MAX bytes */
	XM_T_DATA_IN,  /* in: bytes; argument `ref` holds the length */
	XM_T_DATA_OUT, /* out: bytes; argument `ref` holds the capacity */
	XM_T_U32_OUT,
	XM_T_S64_OUT,
	XM_T_STRUCT_OUT,  /* out: structure `ref` */
	XM_T_RECORDS_OUT, /* out: structures `ref`; the next argument holds how many are wanted */
	XM_T_TEXT_OUT,    /* out: text for a person, of the broker itself */
	XM_T_STRUCT_IN,   /* in: structure `ref` */
	XM_T_RECORDS_IN,  /* in: structures `ref`; the next argument holds how many there are */
};

/* What values an argument may have; the guard answers the row's error to any other. */
enum xm_domain {
	XM_D_ANY,
	XM_D_OPTIONAL, /* may be absent: the caller's profile does not have it */
	XM_D_NOT_NEGATIVE,
	XM_D_INTERVAL,       /* not negative; of a 2.x hypervisor any, and one that is means once */
	XM_D_ENUM,           /* a value of enumeration `ref` */
	XM_D_RESOURCE,       /* any value; names the resource of a @machine operation */
	XM_D_RESOURCE_ENUM,  /* a value of enumeration `ref`, and the resource */
	XM_D_RESOURCE_IRQ,   /* 0 to 31, and the resource */
	XM_D_RESOURCE_LINE,  /* 0 to 15, and the resource */
	XM_D_RESOURCE_VCPU,  /* a virtual processor of the own partition, and the resource */
	XM_D_CLIENT_ADDRESS, /* an address that only the caller can interpret: never in the domain */
	XM_D_POINTER,        /* must point to usable memory of the caller */
	XM_D_OPT_POINTER,    /* the same, or NULL */
	XM_D_SELF,           /* the partition that the broker runs in */
	XM_D_HYPERVISOR,     /* XM_HYPERVISOR_ID */
	XM_D_PARTITION,      /* a partition of the system description */
	XM_D_PARTITION_OR_HV,
	XM_D_VCPU,          /* a virtual processor of the partition in argument 0 */
	XM_D_PLAN,          /* a plan of the system description */
	XM_D_SAMPLING_PORT, /* a sampling port of the own partition */
	XM_D_QUEUING_PORT,
	XM_D_SAMPLING_NAME, /* the name of one */
	XM_D_QUEUING_NAME,
	XM_D_MESSAGE_SIZE, /* 1 to the maximum of the channel behind the port */
	XM_D_CONSOLE_SIZE,
	XM_D_SIZE,
	XM_D_COUNT,       /* 1 to XM_MAX_RECORDS */
	XM_D_SPARE_COUNT, /* 0 to XM_MAX_SPARE_SLOTS */
	XM_D_COPY_SIZE, /* not negative, and the ranges that it makes of two addresses do not wrap */
	XM_D_IPVI,      /* a virtual interrupt between partitions: 24 to 31 */
};

enum xm_class {
#define XM_CLASS(id, name, doc) XM_CLASS_##id,
#include <xm/hypercalls.def>
	XM_N_CLASSES
};

enum xm_enum_id {
#define XM_ENUM_BEGIN(id, name) XM_E_##id,
#include <xm/hypercalls.def>
	XM_N_ENUMS
};

enum xm_struct_id {
#define XM_STRUCT_BEGIN(id, name) XM_S_##id,
#include <xm/hypercalls.def>
	XM_N_STRUCTS
};

/* Dense index of an operation, for arrays; its wire number is another thing. */
enum xm_op_id {
#define XM_OP_BEGIN(id, wire, name, class, flags, profiles, synonyms, manual, purpose) XM_OP_##id,
#include <xm/hypercalls.def>
	XM_N_OPS
};

/* Position of each argument: XM_A_GET_TIME_clock, ... */
enum xm_arg_position {
#define XM_OP_BEGIN(id, wire, name, class, flags, profiles, synonyms, manual, purpose)             \
	XM_A_##id##__ = -1,
#define XM_ARG(op, name, type, domain, ref, error, synonyms) XM_A_##op##_##name,
#include <xm/hypercalls.def>
};

/* Position of each field of a structure: XM_F_PLAN_STATUS_next, ... */
enum xm_field_position {
#define XM_STRUCT_BEGIN(id, name) XM_F_##id##__ = -1,
#define XM_STRUCT_FIELD(id, field) XM_F_##id##_##field,
#define XM_STRUCT_END(id) XM_NF_##id,
#include <xm/hypercalls.def>
};

#define XM_OPF_UNCLASSIFIED 0x01 /* never allowed, never forwarded */
#define XM_OPF_PUBLIC 0x02       /* answered to every session */
#define XM_OPF_STOPS_SELF 0x04   /* @self-stop when argument 0 is the own partition */
#define XM_OPF_MAY_NOT_RETURN 0x08
#define XM_OPF_PORT 0x10         /* arguments 0 and 1 are partition and port: portName is derived */
#define XM_OPF_CREATES_PORT 0x20 /* argument 1 is portName */
#define XM_OPF_BROKER 0x40       /* answered by the broker itself; root always may */
#define XM_OPF_DESCRIBED 0x80 /* answered from the system description and the partition's status */

struct xm_enum_value {
	const char *name;
	uint64_t value;
};

struct xm_enum {
	const char *name;
	const struct xm_enum_value *values; /* ends with a NULL name */
};

struct xm_struct {
	const char *name;
	unsigned int n_fields;
	const char *const *fields;
};

struct xm_arg {
	const char *name;
	const char *synonyms; /* blank-separated */
	enum xm_type type;
	enum xm_domain domain;
	unsigned int ref;
	enum xm_code error;
};

struct xm_op {
	const char *name;
	const char *synonyms; /* blank-separated */
	const char *manual;   /* section of the hypervisor's manual */
	const char *purpose;
	uint16_t wire;
	enum xm_class class;
	unsigned int flags;
	unsigned int profiles; /* XM_IN_... that have it */
	unsigned int n_args;
	const struct xm_arg *args;
};

/* All operations, by enum xm_op_id. */
extern const struct xm_op xm_ops[XM_N_OPS];
extern const struct xm_enum xm_enums[XM_N_ENUMS];
extern const struct xm_struct xm_structs[XM_N_STRUCTS];
extern const char *const xm_class_names[XM_N_CLASSES];
extern const char *const xm_class_docs[XM_N_CLASSES];

/* The operation with this wire number, or -1. */
int xm_op_by_wire(unsigned int wire);
/* The operation with this name, synonym or PRTOS spelling, or -1. */
int xm_op_by_name(const char *name);
/* The argument of an operation with this name, synonym or PRTOS spelling, or -1. */
int xm_arg_by_name(const struct xm_op *op, const char *name);
/* The class with this name (without the "@"), or -1. */
int xm_class_by_name(const char *name);
/* The value of an enumeration by name (XM_ or PRTOS_ spelling); false if there is none. */
bool xm_enum_by_name(unsigned int id, const char *name, uint64_t *valuep);
/* The name of a value, or NULL. */
const char *xm_enum_name(unsigned int id, uint64_t value);
/* Whether the type travels from the caller to the hypervisor (true) or back. */
bool xm_type_is_in(enum xm_type type);
/* Whether the type is a number that travels in. */
bool xm_type_is_scalar(enum xm_type type);
/* Whether it is one that lies behind a pointer of the caller, and so may be missing as one. */
bool xm_arg_is_pointed(const struct xm_arg *arg);
/* Whether values of the domain name the resource of a @machine operation. */
bool xm_domain_is_resource(enum xm_domain domain);

/* "XM_PERM_ERROR", ...; XM_C_UNKNOWN_OUTCOME is "unknown". */
const char *xm_code_name(unsigned int code);
/* The POSIX error that says the same; 0 for XM_C_OK. */
int xm_code_errno(unsigned int code);
/* "2.4", "2.6", "3.x", "prtos", or NULL. */
const char *xm_profile_name(unsigned int profile);

#endif
