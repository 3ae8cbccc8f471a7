/* SPDX-License-Identifier: MIT */
/* Classes of the program's: the code of a method, and what tells one class from another. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Is this the type of a class, type itself or another metaclass? `checked`: so are the loads. */
bool python_is_metaclass(bool checked, uintptr_t type);

/* Where a protocol begins: the code of the first of connection_made, data_received … that the class
 * itself has. False: it has none. Checked loads. */
bool python_class_method(uintptr_t class, uintptr_t *code);

/* Another value for another class, and for one that was changed. Plain loads. */
uint64_t python_class_key(uintptr_t class);
