/** Adapters merged into their base models, and what that costs: loss and divergence of the merged model beside those of base and adapter. */
package dev.graft.eval.merge;
