package dev.graft.bindings;

/**
 * What a generator's cache holds.
 *
 * @param pageTokens tokens of a page  @param pages in all  @param used by sequences at work  @param kept of sequences that ended, for later ones
 */
public record CacheUse(int pageTokens, int pages, int used, int kept) {}
