// Package stock knows how many pieces of each product are on the shelves.
package stock

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ReadLevels reads the warehouse's nightly file: one product a line, its number and its count.
func ReadLevels(path string) (map[string]int, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("stock levels: %w", err)
	}
	defer file.Close()

	levels := make(map[string]int)
	scanner := bufio.NewScanner(file)
	for number := 1; scanner.Scan(); number++ {
		fields := strings.Fields(scanner.Text())
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			return nil, fmt.Errorf("%s:%d: want two fields, got %d", path, number, len(fields))
		}
		count, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		levels[fields[0]] += count
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return levels, nil
}
