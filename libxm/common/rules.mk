# SPDX-License-Identifier: LGPL-2.1-or-later
#
# How a program for a Linux partition is built, for makefiles written for libxm-linux:
#
#	include .../common/rules.mk
#	all: myprogram
#
# builds myprogram from myprogram.c with the 2.4 profile and -lxm-linux.  XM_PREFIX says where libxm
# is installed: config.mk beside this file (see config.mk.dist), else the tree that this file is
# installed in, else /usr/local.

XM_COMMON := $(dir $(lastword $(MAKEFILE_LIST)))
-include $(XM_COMMON)config.mk

ifndef XM_PREFIX
XM_PREFIX := $(if $(wildcard $(XM_COMMON)../../../include/xm-linux.h),$(XM_COMMON)../../..,/usr/local)
endif

# Said here as well, so that it does not matter which header a program includes first.
CPPFLAGS += -DXM_PROFILE=24 -I'$(XM_PREFIX)/include'
CFLAGS ?= -O2 -Wall
LDLIBS += -L'$(XM_PREFIX)/lib' -lxm-linux

.DEFAULT_GOAL := all

%: %.c
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LDLIBS)
