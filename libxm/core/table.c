// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The table as data, and look-ups in it.  Owns nothing that changes.  Must never grow a special case
 * for one hypercall: that belongs in a column of the table.
 */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "libxm/core/table.h"

/* clang-format off */
#define XM_ENUM_BEGIN(id, name) static const struct xm_enum_value values_##id[] = {
#define XM_ENUM_VALUE(id, name, value) { #name, value },
#define XM_ENUM_END(id) { NULL, 0 } };
#define XM_STRUCT_BEGIN(id, name) static const char *const fields_##id[] = {
#define XM_STRUCT_FIELD(id, field) #field,
#define XM_STRUCT_END(id) };
#define XM_OP_BEGIN(id, wire, name, class, flags, profiles, synonyms, manual, purpose) \
	static const struct xm_arg args_##id[XM_MAX_ARGS] = {
#define XM_ARG(op, name, type, domain, ref, error, synonyms) \
	{ #name, synonyms, type, domain, ref, XM_C_##error },
#define XM_OP_END(id) };
#include <xm/hypercalls.def>

const struct xm_enum xm_enums[XM_N_ENUMS] = {
#define XM_ENUM_BEGIN(id, name) [XM_E_##id] = { name, values_##id },
#include <xm/hypercalls.def>
};

const struct xm_struct xm_structs[XM_N_STRUCTS] = {
#define XM_STRUCT_BEGIN(id, name) [XM_S_##id] = { name, XM_NF_##id, fields_##id },
#include <xm/hypercalls.def>
};

const char *const xm_class_names[XM_N_CLASSES] = {
#define XM_CLASS(id, name, doc) [XM_CLASS_##id] = name,
#include <xm/hypercalls.def>
};

const char *const xm_class_docs[XM_N_CLASSES] = {
#define XM_CLASS(id, name, doc) [XM_CLASS_##id] = doc,
#include <xm/hypercalls.def>
};

enum arg_count {
#define XM_OP_BEGIN(id, wire, name, class, flags, profiles, synonyms, manual, purpose) n_before_##id##_ = -1,
#define XM_ARG(op, name, type, domain, ref, error, synonyms) n_##op##_##name,
#define XM_OP_END(id) n_args_##id,
#include <xm/hypercalls.def>
};

/* An operation without a class, or with more arguments than a request holds, does not build. */
#define XM_OP_BEGIN(id, wire, name, class, flags, profiles, synonyms, manual, purpose)                      \
	_Static_assert(XM_CLASS_##class != XM_CLASS_NONE ||                                       \
			       ((flags) & (XM_OPF_UNCLASSIFIED | XM_OPF_PUBLIC)),                 \
		       name " has no permission class");                                          \
	_Static_assert((profiles) && !((profiles) & ~XM_IN_ALL), name " has no profile");          \
	_Static_assert(n_args_##id <= XM_MAX_ARGS, name " has too many arguments");
#define XM_STRUCT_END(id) _Static_assert(XM_NF_##id <= XM_MAX_FIELDS, #id " has too many fields");
#include <xm/hypercalls.def>

const struct xm_op xm_ops[XM_N_OPS] = {
#define XM_OP_BEGIN(id, wire, name, class, flags, profiles, synonyms, manual, purpose) \
	[XM_OP_##id] = { name, synonyms, manual, purpose, wire, XM_CLASS_##class, flags, profiles, \
			 n_args_##id, args_##id },
#include <xm/hypercalls.def>
};
/* clang-format on */

int xm_op_by_wire(unsigned int wire)
{
	for (int i = 0; i < XM_N_OPS; i++)
		if (xm_ops[i].wire == wire)
			return i;
	return -1;
}

/* Compares as PRTOS spells: one prefix for the other, "maxMsgSize" as "max_msg_size". */
static bool spelled_alike(const char *xm, const char *other)
{
	if (!strncmp(xm, "XM_", 3) &&
	    (!strncmp(other, "prtos_", 6) || !strncmp(other, "PRTOS_", 6))) {
		xm += 3;
		other += 6;
	}
	for (; *xm && *other; xm++, other++) {
		if (*other == '_' && isupper((unsigned char)*xm))
			other++;
		else if (*xm != *other)
			return false;
		else
			continue;
		if (tolower((unsigned char)*xm) != *other)
			return false;
	}
	return !*xm && !*other;
}

static bool in_list(const char *list, const char *name)
{
	size_t len = strlen(name);

	if (!len || strchr(name, ' '))
		return false;
	for (const char *p = list; (p = strstr(p, name)); p++)
		if ((p == list || p[-1] == ' ') && (p[len] == ' ' || !p[len]))
			return true;
	return false;
}

int xm_op_by_name(const char *name)
{
	for (int i = 0; i < XM_N_OPS; i++)
		if (!strcmp(xm_ops[i].name, name) || in_list(xm_ops[i].synonyms, name) ||
		    spelled_alike(xm_ops[i].name, name))
			return i;
	return -1;
}

int xm_arg_by_name(const struct xm_op *op, const char *name)
{
	for (unsigned int i = 0; i < op->n_args; i++)
		if (!strcmp(op->args[i].name, name) || in_list(op->args[i].synonyms, name) ||
		    spelled_alike(op->args[i].name, name))
			return (int)i;
	return -1;
}

int xm_class_by_name(const char *name)
{
	for (int i = 0; i < XM_N_CLASSES; i++)
		if (*name && !strcmp(xm_class_names[i], name))
			return i;
	return -1;
}

bool xm_enum_by_name(unsigned int id, const char *name, uint64_t *valuep)
{
	for (const struct xm_enum_value *v = xm_enums[id].values; v->name; v++) {
		if (strcmp(v->name, name) && !spelled_alike(v->name, name))
			continue;
		*valuep = v->value;
		return true;
	}
	return false;
}

const char *xm_enum_name(unsigned int id, uint64_t value)
{
	for (const struct xm_enum_value *v = xm_enums[id].values; v->name; v++)
		if (v->value == value)
			return v->name;
	return NULL;
}

bool xm_type_is_scalar(enum xm_type type)
{
	return type <= XM_T_S64;
}

bool xm_type_is_in(enum xm_type type)
{
	return type <= XM_T_DATA_IN || type == XM_T_STRUCT_IN || type == XM_T_RECORDS_IN;
}

bool xm_arg_is_pointed(const struct xm_arg *arg)
{
	return xm_type_is_scalar(arg->type) &&
	       (arg->domain == XM_D_POINTER || arg->domain == XM_D_OPT_POINTER);
}

bool xm_domain_is_resource(enum xm_domain domain)
{
	return domain >= XM_D_RESOURCE && domain <= XM_D_CLIENT_ADDRESS;
}

static const struct {
	const char *name;
	int error;
} codes[XM_N_CODES] = {
	[XM_C_OK] = { "XM_OK", 0 },
	[XM_C_NO_ACTION] = { "XM_NO_ACTION", EALREADY },
	[XM_C_UNKNOWN_HYPERCALL] = { "XM_UNKNOWN_HYPERCALL", ENOSYS },
	[XM_C_INVALID_PARAM] = { "XM_INVALID_PARAM", EINVAL },
	[XM_C_PERM_ERROR] = { "XM_PERM_ERROR", EPERM },
	[XM_C_INVALID_CONFIG] = { "XM_INVALID_CONFIG", EDOM },
	[XM_C_INVALID_MODE] = { "XM_INVALID_MODE", ENODEV },
	[XM_C_NOT_AVAILABLE] = { "XM_NOT_AVAILABLE", EAGAIN },
	[XM_C_OP_NOT_ALLOWED] = { "XM_OP_NOT_ALLOWED", EOPNOTSUPP },
	[XM_C_MULTICALL_ERROR] = { "XM_MULTICALL_ERROR", EBADMSG },
	[XM_C_UNKNOWN_OUTCOME] = { "unknown", ECONNRESET },
};

const char *xm_code_name(unsigned int code)
{
	return code < XM_N_CODES ? codes[code].name : "?";
}

int xm_code_errno(unsigned int code)
{
	return code < XM_N_CODES ? codes[code].error : EPROTO;
}

const char *xm_profile_name(unsigned int profile)
{
	static const char *const names[] = {
		[XM_PROFILE_ID_2_4] = "2.4",
		[XM_PROFILE_ID_2_6] = "2.6",
		[XM_PROFILE_ID_3_X] = "3.x",
		[XM_PROFILE_ID_PRTOS] = "prtos",
	};

	return profile < sizeof(names) / sizeof(names[0]) ? names[profile] : NULL;
}
