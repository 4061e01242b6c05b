// Counts what a whole program allocates, by replacing operator new, which also fails on demand: included
// by one file of a test program.
#pragma once

#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

namespace {
std::atomic<std::size_t> allocations{0};
/// Those beyond so many, and larger ones, find no memory.
[[maybe_unused]] std::atomic<std::size_t> most_allocations{std::numeric_limits<std::size_t>::max()},
    largest_allocation{std::numeric_limits<std::size_t>::max()};

bool refused(std::size_t size) {
  return ++allocations > most_allocations || size > largest_allocation;
}

void* counted(std::size_t size) {
  void* memory = refused(size) ? nullptr : std::malloc(size ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
// The library sorts in memory of this kind: what is replaced by half looks like a mistake to a
// sanitizer.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return refused(size) ? nullptr : std::malloc(size ? size : 1);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
