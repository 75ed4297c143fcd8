#include "page_table.h"

#include <algorithm>

namespace graft {

PageTable::PageTable(int32_t pages, int32_t page_tokens) : pages_(pages), page_tokens_(page_tokens) {
  for (int32_t page = pages - 1; page >= 0; page--) free_.push_back(page);
}

int32_t PageTable::child(int32_t parent, const int32_t *tokens) const {
  const auto found = children_.find({parent, std::vector<int32_t>(tokens, tokens + page_tokens_)});
  return found == children_.end() ? -1 : found->second;
}

int32_t PageTable::add(int32_t parent, int32_t page) {
  int32_t node = int32_t(nodes_.size());
  if (unused_nodes_.empty()) {
    nodes_.emplace_back();
  } else {
    node = unused_nodes_.back();
    unused_nodes_.pop_back();
    nodes_[size_t(node)] = Node();
  }
  nodes_[size_t(node)].parent = parent;
  nodes_[size_t(node)].page = page;
  if (parent >= 0) nodes_[size_t(parent)].children++;
  return node;
}

// One sequence more at this node.
void PageTable::enter(int32_t node) {
  Node &n = nodes_[size_t(node)];
  if (n.users++ > 0 || n.page < 0) return;
  reclaimable_--;
  leaves_.erase({n.released, node});
}

void PageTable::leave(int32_t node) {
  Node &n = nodes_[size_t(node)];
  if (--n.users > 0) return;
  n.released = clock_;
  if (n.page >= 0) reclaimable_++;
  settle(node);
}

// A node without users and children: a page may go, a group goes at once.
void PageTable::settle(int32_t node) {
  Node &n = nodes_[size_t(node)];
  if (n.users > 0 || n.children > 0) return;
  if (n.page >= 0) {
    leaves_.insert({n.released, node});
  } else {
    groups_.erase(n.group);
    unused_nodes_.push_back(node);
  }
}

bool PageTable::begin(Sequence *sequence, const Group *group, const int32_t *tokens, int64_t n, int32_t most) {
  std::vector<int32_t> path;
  int32_t root = -1, claimed = 0;
  if (group) {
    const auto found = groups_.find(*group);
    root = found == groups_.end() ? -1 : found->second;
    int32_t at = root;
    for (int64_t i = 0; at >= 0 && i < (n - 1) / page_tokens_; i++) {
      at = child(at, tokens + i * page_tokens_);
      if (at < 0) break;
      path.push_back(at);
      claimed += nodes_[size_t(at)].users == 0;
    }
  }
  const int64_t needed = pages_for(most) - int64_t(path.size());
  if (int64_t(free_.size()) + reclaimable_ - claimed - promised_ < needed) return false;
  promised_ += needed;
  *sequence = Sequence();
  sequence->most = most;
  if (!group) return true;
  if (root < 0) {
    root = add(-1, -1);
    nodes_[size_t(root)].group = *group;
    groups_[*group] = root;
  }
  enter(root);
  sequence->node = root;
  for (int32_t node : path) {
    enter(node);
    sequence->node = node;
    sequence->pages.push_back(nodes_[size_t(node)].page);
  }
  sequence->shared = int32_t(path.size());
  sequence->tokens.assign(tokens, tokens + int64_t(path.size()) * page_tokens_);
  return true;
}

// A page of the promised ones: a free one, or the longest unused.
int32_t PageTable::take() {
  promised_--;
  if (free_.empty()) {
    const int32_t node = leaves_.begin()->second;
    leaves_.erase(leaves_.begin());
    Node &n = nodes_[size_t(node)];
    children_.erase({n.parent, n.tokens});
    free_.push_back(n.page);
    reclaimable_--;
    unused_nodes_.push_back(node);
    nodes_[size_t(n.parent)].children--;
    settle(n.parent);
  }
  const int32_t page = free_.back();
  free_.pop_back();
  return page;
}

void PageTable::grow(Sequence *sequence, const int32_t *tokens, int64_t n) {
  sequence->tokens.insert(sequence->tokens.end(), tokens, tokens + n);
  while (int64_t(sequence->pages.size()) < pages_for(int64_t(sequence->tokens.size()))) sequence->pages.push_back(take());
}

void PageTable::computed(Sequence *sequence) {
  if (sequence->node < 0) return;
  for (; int64_t(sequence->shared + 1) * page_tokens_ <= int64_t(sequence->tokens.size()); sequence->shared++) {
    const int32_t *tokens = sequence->tokens.data() + int64_t(sequence->shared) * page_tokens_;
    int32_t &page = sequence->pages[size_t(sequence->shared)];
    int32_t node = child(sequence->node, tokens);
    if (node >= 0) {
      free_.push_back(page);
      page = nodes_[size_t(node)].page;
      enter(node);
    } else {
      node = add(sequence->node, page);
      nodes_[size_t(node)].users = 1;
      nodes_[size_t(node)].tokens.assign(tokens, tokens + page_tokens_);
      children_[{sequence->node, nodes_[size_t(node)].tokens}] = node;
    }
    sequence->node = node;
  }
}

void PageTable::end(Sequence *sequence) {
  clock_++;
  promised_ -= pages_for(sequence->most) - int64_t(sequence->pages.size());
  for (size_t i = size_t(sequence->shared); i < sequence->pages.size(); i++) free_.push_back(sequence->pages[i]);
  for (int32_t node = sequence->node; node >= 0;) {
    const int32_t parent = nodes_[size_t(node)].parent;  // leaving may give the node up
    leave(node);
    node = parent;
  }
  *sequence = Sequence();
}

}  // namespace graft
