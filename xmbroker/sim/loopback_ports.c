// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ports of the loopback hypervisor.  As freestanding as loopback.c, and for the same reason.
 */

#include "xmbroker/sim/loopback_internal.h"

#define PERIOD INT64_C(1000000) /* us that a sampling message stays valid */

enum { MESSAGE_EMPTY = 0, MESSAGE_VALID = 1, MESSAGE_CONSUMED = 2, MESSAGE_NEW = 4 };
enum { DESTINATION = 1, SOURCE = 2 };

static const struct {
	char name[LOOPBACK_NAME];
	uint8_t partition, direction;
	bool queuing;
	uint8_t channel; /* index of sample[] or queue[] */
	uint8_t peer;    /* the port at the other end */
} ports[LOOPBACK_PORTS] = {
	{ "attitude", 0, SOURCE, false, 0, 4 },      { "hk-1", 0, DESTINATION, false, 1, 5 },
	{ "commands", 0, SOURCE, true, 0, 6 },       { "telemetry", 0, DESTINATION, true, 1, 7 },
	{ "attitude", 1, DESTINATION, false, 0, 0 }, { "hk-1", 1, SOURCE, false, 1, 1 },
	{ "commands", 2, DESTINATION, true, 0, 2 },  { "telemetry", 2, SOURCE, true, 1, 3 },
};

bool loopback_same_name(const char name[LOOPBACK_NAME], const struct xm_value *v)
{
	char given[LOOPBACK_NAME] = { 0 };

	if (v->len)
		memcpy(given, v->data, v->len < LOOPBACK_NAME ? v->len : LOOPBACK_NAME);
	return memcmp(name, given, LOOPBACK_NAME) == 0;
}

void loopback_close_ports(struct loopback *lb, unsigned int partition)
{
	for (unsigned int i = 0; i < LOOPBACK_PORTS; i++)
		if (ports[i].partition == partition)
			lb->port[i].open = false;
}

/* The own port with this name, or -1. */
static int find_port(const struct xm_value *name)
{
	for (int i = 0; i < LOOPBACK_PORTS; i++)
		if (ports[i].partition == LOOPBACK_SELF && loopback_same_name(ports[i].name, name))
			return i;
	return -1;
}

static bool period_differs(const struct xm_value *period)
{
	return period->state == XM_ST_OK && (int64_t)period->num != PERIOD;
}

static enum xm_code check_create(const struct loopback *lb, const struct xm_request *req,
				 int *portp)
{
	bool queuing = req->op == XM_OP_CREATE_QUEUING_PORT;
	uint64_t direction = queuing ? loopback_arg(req, XM_A_CREATE_QUEUING_PORT_direction)->num
				     : loopback_arg(req, XM_A_CREATE_SAMPLING_PORT_direction)->num;
	int port;

	if (loopback_arg(req, 0)->num != LOOPBACK_SELF)
		return XM_C_PERM_ERROR;
	if (loopback_arg(req, 1)->state != XM_ST_OK ||
	    (direction != SOURCE && direction != DESTINATION))
		return XM_C_INVALID_PARAM;
	port = find_port(loopback_arg(req, 1));
	if (port < 0)
		return XM_C_INVALID_PARAM;
	if (ports[port].queuing != queuing || ports[port].direction != direction)
		return XM_C_INVALID_CONFIG;
	if (lb->port[port].open)
		return XM_C_NO_ACTION;
	if (queuing ? loopback_arg(req, XM_A_CREATE_QUEUING_PORT_maxNoMsgs)->num !=
				      LOOPBACK_QUEUE ||
			      loopback_arg(req, XM_A_CREATE_QUEUING_PORT_maxMsgSize)->num !=
				      LOOPBACK_MESSAGE
		    : loopback_arg(req, XM_A_CREATE_SAMPLING_PORT_maxMsgSize)->num !=
				      LOOPBACK_SAMPLE ||
			      period_differs(
				      loopback_arg(req, XM_A_CREATE_SAMPLING_PORT_validPeriod)))
		return XM_C_INVALID_CONFIG;
	*portp = port;
	return XM_C_OK;
}

void loopback_create_port(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply)
{
	int port = 0;
	enum xm_code code = check_create(lb, req, &port);

	if (code != XM_C_OK) {
		xm_reply_fail(reply, code);
		return;
	}
	lb->port[port].open = true;
	lb->port[port].state = MESSAGE_EMPTY;
	reply->value = (uint32_t)port;
}

static enum xm_code check_port(const struct loopback *lb, const struct xm_request *req,
			       bool queuing, int direction)
{
	uint64_t port = loopback_arg(req, 1)->num;

	if (port >= LOOPBACK_PORTS || ports[port].partition != LOOPBACK_SELF ||
	    !lb->port[port].open || ports[port].queuing != queuing ||
	    (direction && ports[port].direction != direction))
		return XM_C_INVALID_PARAM;
	return XM_C_OK;
}

/* Ownership, pointers, port, size, in the order of the real one. */
static enum xm_code check_transfer(const struct loopback *lb, const struct xm_request *req,
				   bool queuing, int direction)
{
	const struct xm_value *buffer = loopback_arg(req, 2), *flags = loopback_arg(req, 4);
	uint64_t size = loopback_arg(req, 3)->num;

	if (loopback_arg(req, 0)->num != LOOPBACK_SELF)
		return XM_C_PERM_ERROR;
	if (buffer->state != XM_ST_OK && buffer->state != XM_ST_OVERSIZE)
		return XM_C_INVALID_PARAM;
	if (req->op == XM_OP_READ_SAMPLING_MESSAGE && flags->state != XM_ST_OK &&
	    flags->state != XM_ST_ABSENT)
		return XM_C_INVALID_PARAM;
	if (check_port(lb, req, queuing, direction) != XM_C_OK)
		return XM_C_INVALID_PARAM;
	if (size == 0 || size > (queuing ? LOOPBACK_MESSAGE : LOOPBACK_SAMPLE) ||
	    buffer->state == XM_ST_OVERSIZE)
		return XM_C_INVALID_CONFIG;
	return direction == SOURCE && buffer->len != size ? XM_C_INVALID_PARAM : XM_C_OK;
}

void loopback_write_sampling(struct loopback *lb, const struct xm_request *req,
			     struct xm_reply *reply)
{
	enum xm_code code = check_transfer(lb, req, false, SOURCE);
	uint64_t port = loopback_arg(req, 1)->num;
	struct loopback_sample *sample;

	if (code != XM_C_OK) {
		xm_reply_fail(reply, code);
		return;
	}
	sample = &lb->sample[ports[port].channel];
	sample->len = loopback_arg(req, 2)->len;
	memcpy(sample->data, loopback_arg(req, 2)->data, sample->len);
	sample->stamp = loopback_clock(lb);
	if (lb->port[ports[port].peer].open)
		lb->port[ports[port].peer].state = MESSAGE_NEW;
	lb->partition[LOOPBACK_SELF].count[SAMPLES_WRITTEN]++;
}

static bool fresh_sample(const struct loopback *lb, const struct loopback_sample *sample)
{
	return sample->stamp + PERIOD > loopback_clock(lb);
}

void loopback_read_sampling(struct loopback *lb, const struct xm_request *req,
			    struct xm_reply *reply)
{
	enum xm_code code = check_transfer(lb, req, false, DESTINATION);
	uint64_t port = loopback_arg(req, 1)->num, size = loopback_arg(req, 3)->num;
	const struct loopback_sample *sample;

	if (code != XM_C_OK) {
		xm_reply_fail(reply, code);
		return;
	}
	sample = &lb->sample[ports[port].channel];
	reply->value = sample->len < size ? sample->len : (uint32_t)size;
	xm_reply_put_data(reply, 2, sample->data, reply->value);
	if (loopback_arg(req, 4)->state == XM_ST_OK)
		xm_reply_put_num(reply, 4, reply->value && fresh_sample(lb, sample));
	if (reply->value) {
		lb->port[port].state = MESSAGE_CONSUMED;
		lb->partition[LOOPBACK_SELF].count[SAMPLES_READ]++;
	}
}

void loopback_sampling_status(struct loopback *lb, const struct xm_request *req,
			      struct xm_reply *reply)
{
	uint64_t port = loopback_arg(req, 1)->num;
	const struct loopback_sample *sample;
	uint64_t *words;

	if (loopback_arg(req, 0)->num != LOOPBACK_SELF) {
		xm_reply_fail(reply, XM_C_PERM_ERROR);
		return;
	}
	if (loopback_arg(req, 2)->state != XM_ST_OK || check_port(lb, req, false, 0) != XM_C_OK) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
		return;
	}
	sample = &lb->sample[ports[port].channel];
	words = xm_reply_put_words(reply, 2, XM_NF_SAMPLING_STATUS);
	words[XM_F_SAMPLING_STATUS_timestamp] = (uint64_t)sample->stamp;
	words[XM_F_SAMPLING_STATUS_lastMsgSize] = sample->len;
	words[XM_F_SAMPLING_STATUS_flags] = lb->port[port].state;
	if (sample->stamp && fresh_sample(lb, sample))
		words[XM_F_SAMPLING_STATUS_flags] |= MESSAGE_VALID;
	words[XM_F_SAMPLING_STATUS_validPeriod] = PERIOD;
	words[XM_F_SAMPLING_STATUS_maxMsgSize] = LOOPBACK_SAMPLE;
}

void loopback_port_info(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply)
{
	bool queuing = req->op == XM_OP_GET_QUEUING_PORT_INFO;
	uint64_t *words;
	int port;

	(void)lb;
	if (loopback_arg(req, 0)->num != LOOPBACK_SELF) {
		xm_reply_fail(reply, XM_C_PERM_ERROR);
		return;
	}
	port = loopback_arg(req, 1)->state == XM_ST_OK && loopback_arg(req, 2)->state == XM_ST_OK
		       ? find_port(loopback_arg(req, 1))
		       : -1;
	if (port < 0 || ports[port].queuing != queuing) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
		return;
	}
	if (queuing) {
		words = xm_reply_put_words(reply, 2, XM_NF_QUEUING_INFO);
		words[XM_F_QUEUING_INFO_maxMsgSize] = LOOPBACK_MESSAGE;
		words[XM_F_QUEUING_INFO_maxNoMsgs] = LOOPBACK_QUEUE;
		words[XM_F_QUEUING_INFO_direction] = ports[port].direction;
	} else {
		words = xm_reply_put_words(reply, 2, XM_NF_SAMPLING_INFO);
		words[XM_F_SAMPLING_INFO_validPeriod] = PERIOD;
		words[XM_F_SAMPLING_INFO_maxMsgSize] = LOOPBACK_SAMPLE;
		words[XM_F_SAMPLING_INFO_direction] = ports[port].direction;
	}
}

void loopback_send(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply)
{
	enum xm_code code = check_transfer(lb, req, true, SOURCE);
	struct loopback_queue *queue;
	unsigned int i;

	if (code != XM_C_OK) {
		xm_reply_fail(reply, code);
		return;
	}
	queue = &lb->queue[ports[loopback_arg(req, 1)->num].channel];
	if (queue->n == LOOPBACK_QUEUE) {
		xm_reply_fail(reply, XM_C_OP_NOT_ALLOWED);
		return;
	}
	i = (queue->head + queue->n++) % LOOPBACK_QUEUE;
	queue->len[i] = loopback_arg(req, 2)->len;
	memcpy(queue->data[i], loopback_arg(req, 2)->data, queue->len[i]);
	lb->partition[LOOPBACK_SELF].count[MESSAGES_SENT]++;
}

void loopback_receive(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply)
{
	enum xm_code code = check_transfer(lb, req, true, DESTINATION);
	uint64_t size = loopback_arg(req, 3)->num;
	struct loopback_queue *queue;

	if (code != XM_C_OK) {
		xm_reply_fail(reply, code);
		return;
	}
	queue = &lb->queue[ports[loopback_arg(req, 1)->num].channel];
	if (queue->n == 0) {
		xm_reply_fail(reply, XM_C_OP_NOT_ALLOWED);
		return;
	}
	reply->value = queue->len[queue->head] < size ? queue->len[queue->head] : (uint32_t)size;
	xm_reply_put_data(reply, 2, queue->data[queue->head], reply->value);
	queue->head = (queue->head + 1) % LOOPBACK_QUEUE;
	queue->n--;
	lb->partition[LOOPBACK_SELF].count[MESSAGES_RECEIVED]++;
}

void loopback_queuing_status(struct loopback *lb, const struct xm_request *req,
			     struct xm_reply *reply)
{
	uint64_t *words;

	if (loopback_arg(req, 0)->num != LOOPBACK_SELF) {
		xm_reply_fail(reply, XM_C_PERM_ERROR);
		return;
	}
	if (loopback_arg(req, 2)->state != XM_ST_OK || check_port(lb, req, true, 0) != XM_C_OK) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
		return;
	}
	words = xm_reply_put_words(reply, 2, XM_NF_QUEUING_STATUS);
	words[XM_F_QUEUING_STATUS_noMsgs] = lb->queue[ports[loopback_arg(req, 1)->num].channel].n;
	words[XM_F_QUEUING_STATUS_maxMsgSize] = LOOPBACK_MESSAGE;
	words[XM_F_QUEUING_STATUS_maxNoMsgs] = LOOPBACK_QUEUE;
}
