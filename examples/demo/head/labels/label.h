#ifndef LABEL_H
#define LABEL_H

#include <stddef.h>

#define LABEL_MAX_FIELDS 16
#define LABEL_NAME_SIZE 24
#define LABEL_VALUE_SIZE 64

struct label_field {
    char name[LABEL_NAME_SIZE];
    char value[LABEL_VALUE_SIZE];
};

struct label {
    struct label_field fields[LABEL_MAX_FIELDS];
    int count;
};

int label_parse(struct label *label, const char *payload, size_t length);

#endif
