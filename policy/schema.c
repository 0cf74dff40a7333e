// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The shape of a policy file as JSON Schema.  Owns the descriptions that editors show; a key that is
 * missing here is refused by editors, so a test compares with the compiler.
 */

#include <stdlib.h>

#include "policy/schema.h"

#define NAME "^[A-Za-z_][A-Za-z0-9_-]*$"
#define TIME                                                                                       \
	"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?$"
#define DAY "(mon|tue|wed|thu|fri|sat|sun)"
#define HOURS "^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2} ?(Z|[+-][0-9]{2}:[0-9]{2})?$"

/* Definitions that need nothing of the table, as JSON. */
static const char definitions[] =
	"{"
	"\"time\":{\"type\":\"string\",\"pattern\":\"" TIME "\","
	"\"description\":\"2027-01-31, 2027-01-31T08:00 or 2027-01-31T08:00:30, the last two with "
	"Z or"
	" an offset as +02:00; UTC without one\"},"
	"\"hours\":{\"type\":\"string\",\"pattern\":\"" HOURS "\","
	"\"description\":\"08:00-18:00, the end excluded, with Z or an offset of its own\"},"
	"\"day\":{\"type\":\"string\",\"pattern\":\"^" DAY "(-" DAY ")?$\","
	"\"description\":\"mon, tue, wed, thu, fri, sat, sun, or a range of them\"},"
	"\"names\":{\"anyOf\":[{\"type\":\"string\",\"pattern\":\"" NAME "\"},"
	"{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\",\"pattern\":\"" NAME
	"\"}}]},"
	"\"mask\":{\"type\":\"object\",\"required\":[\"mask\",\"is\"],\"additionalProperties\":"
	"false,"
	"\"description\":\"these bits of it are so\",\"properties\":{"
	"\"mask\":{\"type\":\"integer\",\"minimum\":1},\"is\":{\"type\":\"integer\",\"minimum\":0}}"
	"},"
	"\"length\":{\"type\":\"object\",\"required\":[\"length\"],\"additionalProperties\":false,"
	"\"description\":\"how long the buffer is\",\"properties\":{\"length\":{\"anyOf\":["
	"{\"type\":\"integer\",\"minimum\":0},{\"type\":\"string\"},{\"type\":\"array\","
	"\"minItems\":1},"
	"{\"type\":\"object\",\"required\":[\"not\"]},{\"$ref\":\"#/definitions/mask\"}]}}},"
	"\"principal\":{\"anyOf\":["
	"{\"type\":\"string\",\"pattern\":\"^(user|group):[^ ]+$\","
	"\"description\":\"user:NAME, user:1000, group:NAME or group:100\"},"
	"{\"enum\":[\"everyone\"],\"description\":\"every user\"},"
	"{\"type\":\"string\",\"pattern\":\"" NAME "\",\"description\":\"a value of `define`\"},"
	"{\"type\":\"object\",\"required\":[\"all\"],\"additionalProperties\":false,"
	"\"description\":\"who is all of these at "
	"once\",\"properties\":{\"all\":{\"type\":\"array\","
	"\"minItems\":1,\"items\":{\"$ref\":\"#/definitions/principal\"}}}}]},"
	"\"principals\":{\"anyOf\":[{\"$ref\":\"#/definitions/principal\"},{\"type\":\"array\","
	"\"minItems\":1,\"items\":{\"$ref\":\"#/definitions/principal\"}}]},"
	"\"operations\":{\"anyOf\":[{\"$ref\":\"#/definitions/operation\"},{\"type\":\"array\","
	"\"minItems\":1,\"items\":{\"$ref\":\"#/definitions/operation\"}}]},"
	"\"id\":{\"anyOf\":[{\"type\":\"integer\",\"minimum\":0},{\"type\":\"string\","
	"\"minLength\":1}]}"
	"}";

static const char rule[] =
	"{"
	"\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
	"\"include\":{\"$ref\":\"#/definitions/names\",\"description\":\"the rules of other roles;"
	" stands alone\"},"
	"\"allow\":{\"$ref\":\"#/definitions/operations\",\"description\":\"what is allowed, "
	"unless a"
	" deny matches too\"},"
	"\"deny\":{\"$ref\":\"#/definitions/operations\",\"description\":\"what is denied, whatever"
	" else allows it\"},"
	"\"where\":{\"$ref\":\"#/definitions/where\"},"
	"\"limit\":{\"type\":\"object\",\"required\":[\"rate\"],\"additionalProperties\":false,"
	"\"description\":\"how often each user may; of an allow\",\"properties\":{"
	"\"rate\":{\"type\":\"string\",\"pattern\":\"^[1-9][0-9]*/(s|min|h|d)$\","
	"\"description\":\"6/min: per s, min, h or d\"},"
	"\"burst\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000000,"
	"\"description\":\"so many at once; 1 if left out\"}}},"
	"\"observe_until\":{\"$ref\":\"#/definitions/time\",\"description\":\"a shadow rule: until "
	"then"
	" it only notes in the audit log what it would decide\"},"
	"\"audit\":{\"enum\":[\"never\",\"denied\",\"always\"],\"description\":\"which decisions by"
	" this rule are recorded; denied if left out\"},"
	"\"because\":{\"type\":\"string\",\"description\":\"a reason, shown to administrators "
	"only\"}},"
	"\"oneOf\":[{\"required\":[\"include\"],\"maxProperties\":1},{\"required\":[\"allow\"]},"
	"{\"required\":[\"deny\"],\"not\":{\"required\":[\"limit\"]}}]}";

static const char grant[] =
	"{"
	"\"type\":\"object\",\"required\":[\"to\",\"roles\"],\"additionalProperties\":false,"
	"\"properties\":{"
	"\"to\":{\"$ref\":\"#/definitions/principal\",\"description\":\"who gets the roles\"},"
	"\"roles\":{\"$ref\":\"#/definitions/names\",\"description\":\"roles of `roles`\"},"
	"\"from\":{\"$ref\":\"#/definitions/time\",\"description\":\"nothing before\"},"
	"\"until\":{\"$ref\":\"#/definitions/time\",\"description\":\"nothing from then on\"},"
	"\"hours\":{\"anyOf\":[{\"$ref\":\"#/definitions/"
	"hours\"},{\"type\":\"array\",\"minItems\":1,"
	"\"items\":{\"$ref\":\"#/definitions/hours\"}}],\"description\":\"only at these hours\"},"
	"\"days\":{\"anyOf\":[{\"$ref\":\"#/definitions/day\"},{\"type\":\"array\",\"minItems\":1,"
	"\"items\":{\"$ref\":\"#/definitions/day\"}}],\"description\":\"only on these days\"},"
	"\"offset\":{\"type\":\"string\",\"pattern\":\"^(Z|[+-][0-9]{2}:[0-9]{2})$\","
	"\"description\":\"how far the clock of hours and days is ahead of UTC\"},"
	"\"if_exists\":{\"type\":\"boolean\",\"description\":\"falls away, with a warning, if the "
	"user"
	" or group does not exist\"}}}";

static const char never[] =
	"{"
	"\"type\":\"object\",\"required\":[\"calls\"],\"additionalProperties\":false,"
	"\"properties\":{"
	"\"calls\":{\"$ref\":\"#/definitions/operations\",\"description\":\"what nobody may ever be"
	" allowed\"},"
	"\"where\":{\"$ref\":\"#/definitions/where\"},"
	"\"except\":{\"$ref\":\"#/definitions/principals\",\"description\":\"but these\"},"
	"\"because\":{\"type\":\"string\",\"description\":\"shown when it is broken\"}}}";

static const char test[] =
	"{"
	"\"type\":\"object\",\"required\":[\"as\",\"call\",\"expect\"],\"additionalProperties\":"
	"false,"
	"\"properties\":{"
	"\"as\":{\"type\":\"object\",\"required\":[\"user\"],\"additionalProperties\":false,"
	"\"description\":\"who calls, with just these groups\",\"properties\":{"
	"\"user\":{\"$ref\":\"#/definitions/id\"},"
	"\"groups\":{\"anyOf\":[{\"$ref\":\"#/definitions/id\"},{\"type\":\"array\","
	"\"items\":{\"$ref\":\"#/definitions/id\"}}]}}},"
	"\"call\":{\"type\":\"string\",\"description\":\"as in C: XM_get_time(XM_HW_CLOCK)\"},"
	"\"expect\":{\"enum\":[\"allow\",\"deny\"]},"
	"\"at\":{\"$ref\":\"#/definitions/time\",\"description\":\"when; now, if left out\"},"
	"\"rule\":{\"type\":\"string\",\"description\":\"which rule decides: its role, or"
	" FILE:LINE\"}}}";

static const char top[] =
	"{"
	"\"$schema\":\"http://json-schema.org/draft-07/schema#\","
	"\"title\":\"policy of xmbroker\","
	"\"description\":\"who may issue which hypercalls; see xmbroker.policy(5)\","
	"\"type\":\"object\",\"required\":[\"version\"],\"additionalProperties\":false,"
	"\"properties\":{"
	"\"version\":{\"const\":1,\"description\":\"of the language\"},"
	"\"system\":{\"type\":\"string\",\"minLength\":1,\"description\":\"the system description,"
	" relative to this file, or loopback:\"},"
	"\"define\":{\"type\":\"object\",\"description\":\"names for values, operations and "
	"users\","
	"\"propertyNames\":{\"pattern\":\"" NAME "\"}},"
	"\"roles\":{\"type\":\"object\",\"description\":\"lists of rules; the order does not "
	"matter, a"
	" deny wins\",\"propertyNames\":{\"pattern\":\"" NAME "\"},"
	"\"additionalProperties\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/definitions/"
	"rule\"}}},"
	"\"grants\":{\"type\":\"array\",\"description\":\"who gets which roles\","
	"\"items\":{\"$ref\":\"#/definitions/grant\"}},"
	"\"never\":{\"type\":\"array\",\"description\":\"invariants, proved when the policy is"
	" compiled\",\"items\":{\"$ref\":\"#/definitions/never\"}},"
	"\"tests\":{\"type\":\"array\",\"description\":\"calls and how they are decided, run when "
	"the"
	" policy is compiled\",\"items\":{\"$ref\":\"#/definitions/test\"}}}}";

static void set(json_t *object, const char *name, json_t *value)
{
	if (!value || json_object_set_new(object, name, value))
		abort();
}

static json_t *parse(const char *text)
{
	json_t *value = json_loads(text, 0, NULL);

	if (!value)
		abort();
	return value;
}

json_t *policy_schema(void)
{
	static const char *const of_rules[] = { "allow", "deny", NULL };
	static const char *const of_nevers[] = { "calls", NULL };
	json_t *schema = parse(top), *all = parse(definitions);

	set(all, "operation", schema_operations());
	set(all, "where", schema_where());
	set(all, "rule", parse(rule));
	set(json_object_get(all, "rule"), "allOf", schema_attributes(of_rules));
	set(all, "grant", parse(grant));
	set(all, "never", parse(never));
	set(json_object_get(all, "never"), "allOf", schema_attributes(of_nevers));
	set(all, "test", parse(test));
	set(schema, "definitions", all);
	return schema;
}
