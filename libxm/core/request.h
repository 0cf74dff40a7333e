/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_CORE_REQUEST_H
#define XM_CORE_REQUEST_H

/*
 * One operation with its arguments, and its result: the form in which a hypercall is decided,
 * audited, forwarded and simulated.  Independent of profile and word size.  Values borrow the memory
 * they point to (a receive buffer, a client's copy); whoever fills a request keeps that memory.
 */

#include "libxm/core/table.h"

/* What the caller passed for an argument. */
enum xm_state {
	XM_ST_OK = 0,        /* a value, or a pointer to usable memory */
	XM_ST_NULL = 1,      /* a NULL pointer */
	XM_ST_FAULT = 2,     /* a pointer to memory that the caller cannot use */
	XM_ST_UNALIGNED = 3, /* a pointer without the alignment of its type */
	XM_ST_ABSENT = 4,    /* the caller's profile does not have this argument */
	XM_ST_OVERSIZE = 5,  /* more bytes than a request carries; the length argument is true */
	XM_N_STATES
};

struct xm_value {
	uint8_t state;         /* enum xm_state */
	uint32_t len;          /* bytes of NAME, DATA, TEXT; number of words of STRUCT, RECORDS */
	uint64_t num;          /* scalars, in and out; S32 sign-extended */
	const uint8_t *data;   /* bytes of NAME (no NUL), DATA, TEXT; fields of STRUCT_IN and
				* RECORDS_IN: eight little-endian bytes each, xm_value_word() */
	const uint64_t *words; /* fields of STRUCT_OUT and RECORDS_OUT, in the order of the table */
};

struct xm_request {
	unsigned int op; /* enum xm_op_id */
	struct xm_value arg[XM_MAX_ARGS];
};

/* Why a raw hypercall is UNCLASSIFIED: the value of its argument `reason`. */
enum xm_reason {
	XM_REASON_NUMBER = 0,    /* there is no such hypercall */
	XM_REASON_CLASS = 1,     /* there is no such class of objects */
	XM_REASON_OPERATION = 2, /* the class has no such operation */
	XM_REASON_COMMAND = 3,   /* the class has no such command */
};

#define XM_WORD_BYTES 8
/* A record has at most 10 fields, a structure XM_MAX_FIELDS; one of them is in a reply. */
#define XM_REPLY_WORDS (XM_MAX_RECORDS * 10)

/* Field `i` of a STRUCT_IN or RECORDS_IN value that has more than `i`. */
uint64_t xm_value_word(const struct xm_value *value, uint32_t i);
/* Writes such a field into the eight bytes at `at`. */
void xm_put_word(uint8_t *at, uint64_t word);

/*
 * code OK: value is what the call returns (>= 0).  Any other code: value is 0.
 * out[i] is the value of output argument i; state XM_ST_ABSENT where there is none, which is all of
 * them unless the code is OK.
 */
struct xm_reply {
	unsigned int code; /* enum xm_code */
	uint32_t value;
	struct xm_value out[XM_MAX_ARGS];
	uint64_t words[XM_REPLY_WORDS]; /* room for the fields of one structure or record output */
	uint8_t *space;                 /* room for DATA and TEXT output */
	size_t space_len;
};

/* What the hypervisor documents for an UNCLASSIFIED request. */
enum xm_code xm_unclassified_code(const struct xm_request *req);

/* Empties a reply and lends it `len` bytes at `space` for data output. */
void xm_reply_init(struct xm_reply *reply, uint8_t *space, size_t len);
/* Makes it a failure: no outputs. */
void xm_reply_fail(struct xm_reply *reply, enum xm_code code);
/* Sets output argument `arg` to a number. */
void xm_reply_put_num(struct xm_reply *reply, unsigned int arg, uint64_t num);
/* Sets output argument `arg` to `n` zeroed words in reply->words and returns them. */
uint64_t *xm_reply_put_words(struct xm_reply *reply, unsigned int arg, unsigned int n);
/* Copies bytes into the lent space and sets output argument `arg` to them, cut to what fits. */
void xm_reply_put_data(struct xm_reply *reply, unsigned int arg, const void *data, size_t len);

#endif
