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

/* Where the canonical value of an argument is found. */
enum raw_kind {
	RAW_MISSING,    /* no source: a mistake in raw.def, found by the tests */
	RAW_ABSENT,     /* the profile does not have it */
	RAW_WORD,       /* number in a word */
	RAW_PARTITION,  /* partition of the descriptor */
	RAW_ID,         /* identifier of the descriptor */
	RAW_VCPU,       /* virtual processor of the descriptor */
	RAW_FIELD,      /* number in the structure that RAW_ARGUMENT points to */
	RAW_NAME,       /* a word points to a string */
	RAW_NAME_FIELD, /* a field of that structure points to a string */
	RAW_DATA,       /* a word points to bytes, in or out */
	RAW_OUT,        /* a word points to a number, out */
	RAW_OUT_FIELD,  /* a field of that structure is a number, out */
	RAW_STRUCT,     /* a word points to a structure, out */
	RAW_RECORDS,    /* a word points to an array of structures, out */
	RAW_COUNT,      /* a word holds the size of that array in bytes */
};

/* What a successful call returns. */
enum raw_result {
	RAW_VALUE, /* the operation's value */
	RAW_ZERO,  /* XM_OK, whatever value another profile has for it */
	RAW_BYTES, /* the size of the records that came */
};

/* Bits `from`.. of a canonical field, as many as fit, go to bits `shift`.. of a place in memory. */
struct raw_member {
	uint8_t field; /* XM_F_... */
	uint8_t from;
	uint8_t shift;
	uint8_t bits;
	uint8_t size; /* bytes of the place that is read and written */
	uint16_t offset;
};

struct raw_layout {
	uint16_t size;
	uint8_t align;
	uint8_t n_members;
	const struct raw_member *members;
};

struct raw_source {
	uint8_t kind; /* enum raw_kind */
	uint8_t word;
	uint8_t size;
	uint8_t align;
	uint16_t offset;
	const struct raw_layout *layout;
};

struct raw_row {
	uint32_t number;
	int32_t class;      /* of the descriptor, or RAW_PLAIN */
	int64_t command;    /* or RAW_ANY */
	int32_t hypervisor; /* 1: the descriptor's partition is the hypervisor, 0: not, or RAW_ANY */
	uint8_t op;         /* enum xm_op_id */
	uint8_t result;     /* enum raw_result */
	uint8_t align;      /* of the structure that RAW_ARGUMENT points to */
	struct raw_source source[XM_MAX_ARGS];
};

/* A result that the profile expresses otherwise: of operation `op`, or of all (XM_N_OPS). */
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
	const int8_t *codes; /* the profile's number of each enum xm_code */
	const struct raw_adaption *adaptions;
	size_t n_adaptions;
	const struct raw_row *rows;
	size_t n_rows;
};

extern const struct raw_profile raw_profile_2_4;
extern const struct raw_profile raw_profile_3_x;

/* UNCLASSIFIED.reason */
enum raw_reason {
	RAW_UNKNOWN_NUMBER = XM_REASON_NUMBER,
	RAW_BAD_CLASS = XM_REASON_CLASS,
	RAW_NO_SUCH_OPERATION = XM_REASON_OPERATION,
	RAW_BAD_COMMAND = XM_REASON_COMMAND,
};

/* The row that covers a call; if none does, NULL and the reason. */
const struct raw_row *raw_classify(const struct raw_profile *profile, uint32_t number,
				   const uint64_t words[RAW_WORDS], enum raw_reason *reasonp);

/* A call on its way: the request, and where its outputs go in the caller's memory. */
struct raw_call {
	const struct raw_profile *profile;
	const struct raw_row *row; /* NULL: not classified */
	const uint64_t *words;
	bool own;         /* RAW_ARGUMENT points to a structure of the library's own */
	uint8_t *scratch; /* XM_WIRE_DATA_MAX bytes, for data that goes in */
	char name[XM_NAME_MAX + 1];
	uintptr_t out[XM_MAX_ARGS];
	struct xm_request request;
};

/* Fills call->request from the words and the caller's memory, which is read once and never trusted. */
void raw_gather(struct raw_call *call, uint32_t number);
/* Stores the outputs of a reply; returns the profile's code or value, and sets errno for a failure. */
int32_t raw_scatter(const struct raw_call *call, const struct xm_reply *reply);

#define RAW_OWN 1U /* RAW_ARGUMENT points to a structure of the library's own */

/* The one door: classify, ask the broker, store the outputs.  Returns what the call returns. */
int32_t raw_call(const struct raw_profile *profile, uint32_t number,
		 const uint64_t words[RAW_WORDS], unsigned int flags);
/* The own partition, or the profile's code for a missing session with errno set. */
int32_t raw_partition_self(const struct raw_profile *profile);
/* 0, or -1 with errno. */
int raw_init(const struct raw_profile *profile);

#endif
