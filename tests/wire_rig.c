// SPDX-License-Identifier: LGPL-2.1-or-later
/* Messages to put and get: a good request of every operation. */

#include "tests/wire_rig.h"

uint8_t buf[XM_WIRE_PACKET];
const uint8_t bytes[17] = "0123456789abcdef";
uint8_t fields[XM_MAX_RECORDS * XM_MAX_FIELDS * XM_WORD_BYTES];

/* A valid request of an operation, every argument present. */
struct xm_request sample(unsigned int id)
{
	struct xm_request req = { .op = id };

	for (unsigned int i = 0; i < xm_ops[id].n_args; i++) {
		struct xm_value *v = &req.arg[i];

		const struct xm_arg *arg = &xm_ops[id].args[i];

		v->num = xm_type_is_scalar(arg->type) ? 7 : 0;
		if (arg->type == XM_T_STRUCT_IN || arg->type == XM_T_RECORDS_IN) {
			v->len = xm_structs[arg->ref].n_fields *
				 (arg->type == XM_T_RECORDS_IN ? 7 : 1);
			v->data = fields;
		}
		if (xm_ops[id].args[i].type == XM_T_NAME ||
		    xm_ops[id].args[i].type == XM_T_DATA_IN) {
			v->len = 7;
			v->data = bytes;
		}
	}
	return req;
}

int put_sample(unsigned int id, uint32_t serial)
{
	struct xm_request req = sample(id);

	return xm_wire_put_call(buf, sizeof(buf), serial, &req);
}
