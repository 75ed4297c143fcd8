// Which page of a paged KV cache holds which tokens (Kwon et al. 2023): sequences share the full pages of equal beginnings, and pages that no sequence
// uses any more are kept for later ones until their room is needed, the longest unused going first. Bookkeeping only; the numbers lie elsewhere.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace graft {

class PageTable {
 public:
  // What tells beginnings of equal tokens apart: the adapters that computed them, as (adapter, scale).
  using Group = std::vector<std::pair<int64_t, float>>;

  struct Sequence {
    std::vector<int32_t> tokens, pages;  // page i holds tokens i * page_tokens and on
    int32_t most = 0;                    // tokens that it may come to
    int32_t node = -1;                   // of its last page that is shared, or its group's; -1: shares nothing
    int32_t shared = 0;                  // pages that are shared, or may be
  };

  PageTable(int32_t pages, int32_t page_tokens);
  int32_t page_tokens() const { return page_tokens_; }
  int32_t pages() const { return pages_; }
  int32_t pages_for(int64_t tokens) const { return int32_t((tokens + page_tokens_ - 1) / page_tokens_); }
  int32_t kept() const { return reclaimable_; }                             // full pages that no sequence uses
  int32_t used() const { return pages_ - int32_t(free_.size()) - reclaimable_; }

  // Starts a sequence of at most `most` tokens, for which pages are set aside, so that grow() never lacks one. Adopts kept pages of the n tokens, all but the
  // last of them at most, unless group is NULL. False, and nothing changed, when there are not enough pages now. most must fit pages().
  bool begin(Sequence *sequence, const Group *group, const int32_t *tokens, int64_t n, int32_t most);
  // Room for n more tokens, within `most`.
  void grow(Sequence *sequence, const int32_t *tokens, int64_t n);
  // All its tokens are computed: full pages may be shared from now on (a page that another sequence computed meanwhile takes the place of this one's).
  void computed(Sequence *sequence);
  // Its full pages are kept. The sequence is empty afterwards.
  void end(Sequence *sequence);

 private:
  struct Node {
    int32_t parent = -1, page = -1, users = 0, children = 0;  // users: sequences at it or below it; page -1: a group
    uint64_t released = 0;
    std::vector<int32_t> tokens;
    Group group;
  };
  int32_t child(int32_t parent, const int32_t *tokens) const;
  int32_t add(int32_t parent, int32_t page);
  void enter(int32_t node);
  void leave(int32_t node);
  void settle(int32_t node);
  int32_t take();

  int32_t pages_, page_tokens_;
  int32_t reclaimable_ = 0;
  int64_t promised_ = 0;   // pages set aside and not yet taken
  uint64_t clock_ = 0;
  std::vector<int32_t> free_;
  std::vector<Node> nodes_;
  std::vector<int32_t> unused_nodes_;
  std::map<Group, int32_t> groups_;
  std::map<std::pair<int32_t, std::vector<int32_t>>, int32_t> children_;
  std::set<std::pair<uint64_t, int32_t>> leaves_;  // pages that may go now, longest unused first
};

}  // namespace graft
