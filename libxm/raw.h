/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBXM_RAW_H
#define LIBXM_RAW_H

/*
 * From a raw hypercall of a profile (number, five words) to an operation of the table, and back: the
 * one path that every function of the library takes.  The rows are in raw.def, made into one table
 * per profile by raw_table.c, which is compiled once for each.
 */

#include "libxm/core/request.h"

#define RAW_WORDS 5
#define RAW_DESCRIPTOR 0 /* the word that holds an object descriptor */
#define RAW_COMMAND 1    /* the word that holds the command of ctrl_object */
#define RAW_ARGUMENT 2   /* the word that points to its structure */
#define RAW_PLAIN (-1)   /* class of a row whose call has no descriptor */
#define RAW_ANY (-1)     /* command or partition does not matter */

/*
 * Numbers of no hypervisor, for what the interface has without a hypercall.  Only the library's own
 * calls (RAW_OWN) reach them; their pointers are the library's.
 */
enum raw_number {
	RAW_PARTITION_TABLE = 0x58000000, /* struct raw_partition_table * */
	RAW_PARTITION_MMAP,               /* struct raw_memory_area *, from, bytes of room */
	RAW_SET_IRQMASK,                  /* 2.x: hardware bits, extended bits */
	RAW_CLEAR_IRQMASK,                /* 2.x: the same */
	RAW_SET_IF,                       /* 2.x */
	RAW_CLEAR_IF,                     /* 2.x */
};

/* All fields, by XM_F_PARTITION_TABLE_..., XM_F_MEMORY_AREA_... */
struct raw_partition_table {
	uint64_t field[XM_NF_PARTITION_TABLE];
};

struct raw_memory_area {
	uint64_t field[XM_NF_MEMORY_AREA];
};

/*
 * Where the canonical value of an argument is found.  "The structure" is the one that the row reads:
 * what its structure word points to, or what lies there points to (RAW_INDIRECT).
 */
enum raw_kind {
	RAW_MISSING,       /* no source: a mistake in raw.def, found by the tests */
	RAW_ABSENT,        /* the profile does not have it */
	RAW_WORD,          /* number in a word, or what it adds up to with `value` */
	RAW_WORD_BITS,     /* the low `bits` of a word */
	RAW_WIDE,          /* number in two words of 32 bits, the low one first */
	RAW_CONSTANT,      /* `value` */
	RAW_SELF,          /* the own partition */
	RAW_PARTITION,     /* partition of the descriptor */
	RAW_ID,            /* identifier of the descriptor */
	RAW_VCPU,          /* virtual processor of the descriptor */
	RAW_FIELD,         /* number, or bits of one, in the structure */
	RAW_POINTED,       /* a word points to a number */
	RAW_NAME,          /* a word points to a string */
	RAW_NAME_FIELD,    /* a field of the structure points to a string */
	RAW_DATA,          /* a word points to bytes, in or out */
	RAW_STRUCT_IN,     /* fields of the structure, in */
	RAW_RECORDS_IN,    /* a field of the structure points to an array of structures, in */
	RAW_OUT,           /* a word points to a number, out */
	RAW_OUT_FIELD,     /* a field of the structure is a number, out */
	RAW_STRUCT,        /* a word points to a structure, out */
	RAW_RECORDS,       /* a word points to an array of structures, out */
	RAW_RECORDS_FIELD, /* a field of the structure points to one */
	RAW_COUNT,         /* a word holds the size of that array in bytes; at most `value` count */
	RAW_COUNT_FIELD,   /* a field of the structure holds its number of structures */
	RAW_COUNT_INOUT,   /* the same, and receives how many came */
};

/* What a successful call returns. */
enum raw_result {
	RAW_VALUE, /* the operation's value */
	RAW_ZERO,  /* XM_OK, whatever value another profile has for it */
	RAW_BYTES, /* the size of the records that came */
	RAW_TAKEN, /* the size of the structure that went in and was taken, else 0 */
};

/* What the canonical value becomes when it is stored. */
enum raw_conversion {
	RAW_AS_IS,
	RAW_HM_EVENT,   /* an event of 3.x that of the profile */
	RAW_AREA_FLAGS, /* flags of a memory area of 3.x those of the profile */
};

/* Bits `from`.. of a canonical field, as many as fit, go to bits `shift`.. of a place in memory. */
struct raw_member {
	uint8_t field; /* XM_F_... */
	uint8_t from;
	uint8_t shift;
	uint8_t bits;
	uint8_t size;    /* bytes of the place that is read and written */
	uint8_t convert; /* enum raw_conversion */
	uint16_t offset;
};

struct raw_layout {
	uint16_t size;
	uint16_t checksum; /* offset of a 16-bit sum of all half-words, kept true; 0: none */
	uint8_t align;
	uint8_t n_members;
	const struct raw_member *members;
};

struct raw_source {
	uint8_t kind; /* enum raw_kind */
	uint8_t word;
	uint8_t size; /* bytes of a number; 0: those of the argument's type */
	uint8_t align;
	uint8_t shift;
	uint8_t bits; /* 0: all */
	uint16_t offset;
	uint32_t value;
	const struct raw_layout *layout;
};

/* How the structure of a row is reached. */
#define RAW_INDIRECT 0x01   /* by a pointer that its word points to */
#define RAW_NULL_EMPTY 0x02 /* and a NULL there is a structure of zeroes */

struct raw_row {
	uint32_t number;
	int32_t class;      /* of the descriptor, or RAW_PLAIN */
	int64_t command;    /* or RAW_ANY */
	int32_t hypervisor; /* 1: the descriptor's partition is the hypervisor, 0: not, or RAW_ANY */
	uint8_t op;         /* enum xm_op_id */
	uint8_t result;     /* enum raw_result */
	uint8_t word;       /* the word that points to the structure */
	uint8_t align;      /* of what it points to */
	uint8_t flags;      /* RAW_INDIRECT, ... */
	uint8_t select;     /* not 0: if argument `select` is `selected`, the next row is meant */
	uint32_t selected;
	struct raw_source source[XM_MAX_ARGS];
};

/* How many arguments a call has in a batch. */
struct raw_argc {
	uint8_t min, max;
};

/*
 * A result that the profile expresses otherwise: of operation `op`, or of all (XM_N_OPS).  When a
 * hypervisor of the profile's own family says NO_ACTION it means that.
 */
struct raw_adaption {
	unsigned int op;
	enum xm_code from;
	enum xm_code to;
};

struct raw_profile {
	enum xm_profile id;
	uint32_t n_hypercalls;
	uint8_t class_shift;
	uint8_t class_bits;
	uint8_t vcpu_bits;
	uint32_t n_classes;
	bool checks_alignment;
	uint32_t last_number;         /* that a program can use */
	const struct raw_argc *argcs; /* of each number below n_hypercalls */
	uint32_t (*hm_event)(uint32_t event);
	uint32_t (*area_flags)(uint32_t flags);
	const int8_t *codes; /* the profile's number of each enum xm_code */
	const struct raw_adaption *adaptions;
	size_t n_adaptions;
	const struct raw_row *rows;
	size_t n_rows;
};

extern const struct raw_profile raw_profile_2_4;
extern const struct raw_profile raw_profile_2_6;
extern const struct raw_profile raw_profile_3_x;
extern const struct raw_profile raw_profile_prtos;

/* UNCLASSIFIED.reason */
enum raw_reason {
	RAW_UNKNOWN_NUMBER = XM_REASON_NUMBER,
	RAW_BAD_CLASS = XM_REASON_CLASS,
	RAW_NO_SUCH_OPERATION = XM_REASON_OPERATION,
	RAW_BAD_COMMAND = XM_REASON_COMMAND,
};

/*
 * The row that covers a call; if none does, NULL and the reason.  Where a row selects another by what
 * lies in memory, it is the first of them.
 */
const struct raw_row *raw_classify(const struct raw_profile *profile, uint32_t number,
				   const uint64_t words[RAW_WORDS], enum raw_reason *reasonp);
/* Whether a call may be an entry of a batch, and has that many arguments. */
bool raw_argc(const struct raw_profile *profile, uint32_t number, unsigned int argc);

/* A call on its way: the request, and where its outputs go in the caller's memory. */
struct raw_call {
	/* set by the caller */
	const struct raw_profile *profile;
	const uint64_t *words;
	bool own;         /* RAW_ARGUMENT points to a structure of the library's own */
	bool family;      /* the hypervisor is one of the profile's family */
	uint32_t self;    /* the own partition */
	uint8_t *scratch; /* memory for what goes in, which the caller keeps; may be none */
	size_t scratch_len;
	/* set by raw_gather */
	size_t scratch_used; /* a further call may use the rest */
	uint8_t *large;      /* owned: what does not fit into scratch */
	size_t large_len;
	const struct raw_row *row; /* NULL: not classified */
	char name[XM_NAME_MAX + 1];
	uintptr_t out[XM_MAX_ARGS];
	struct xm_request request;
};

/*
 * Fills call->request from the words and the caller's memory, which is read once and never trusted.
 * 0, or -ENOMEM; raw_release() in any case.
 */
int raw_gather(struct raw_call *call, uint32_t number);
/* Stores the outputs of a reply; returns the profile's code or value, and sets errno for a failure. */
int32_t raw_scatter(const struct raw_call *call, const struct xm_reply *reply);
/* Whether the hypervisor with this profile, as the broker names it, is of the same family. */
bool raw_same_family(const struct raw_profile *profile, uint8_t hypervisor);
/* The profile's number for a code, which is not that of a reply. */
int32_t raw_code(const struct raw_profile *profile, enum xm_code code);
void raw_release(struct raw_call *call);

#define RAW_OWN 1U      /* RAW_ARGUMENT points to a structure of the library's own */
#define RAW_NO_FLUSH 2U /* the thread's pending batch waits */

/*
 * The one door: run the pending batch unless told not to, classify, ask the broker, store the
 * outputs.  Returns what the call returns.
 */
int32_t raw_call(const struct raw_profile *profile, uint32_t number,
		 const uint64_t words[RAW_WORDS], unsigned int flags);
/* The own partition, or the profile's code for a missing session with errno set. */
int32_t raw_partition_self(const struct raw_profile *profile);
/* 0, or -1 with errno. */
int raw_init(const struct raw_profile *profile);

struct xm_wire_welcome;
/* What the broker said when the session was opened, which this does if need be: 0, or -errno. */
int raw_welcome(const struct raw_profile *profile, struct xm_wire_welcome *welcomep);

#endif
