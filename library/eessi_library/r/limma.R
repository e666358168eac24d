sink(stderr()); suppressMessages(for (name in required_packages) library(name, character.only = TRUE)); sink()
started <- proc.time()[['elapsed']]
expression <- matrix(expression, nrow = genes, byrow = TRUE,
                     dimnames = list(paste0('gene', 1:genes), paste0('sample', 1:samples)))
phenotype <- AnnotatedDataFrame(data.frame(group = group, row.names = colnames(expression)))
set <- ExpressionSet(assayData = expression, phenoData = phenotype)
file <- 'expression_set.rds'
saveRDS(set, file); again <- readRDS(file)
say('round trip', t(exprs(again)))
say('phenotype', pData(again)$group)
say('subset', t(exprs(again['gene2', c('sample3', 'sample1')])))
say('feature names', featureNames(again)[c(1, genes)])

design <- cbind(base = 1, group = pData(again)$group)
fit <- eBayes(lmFit(again, design))
say('coefficients', fit$coefficients[, 'group'])
say('intercepts', fit$coefficients[, 'base'])
say('sigma', fit$sigma)
say('df prior', fit$df.prior)
say('s2 prior', fit$s2.prior)
say('s2 post', fit$s2.post)
say('df total', fit$df.total)
say('t', fit$t[, 'group'])
say('p', fit$p.value[, 'group'])
table <- topTable(fit, coef = 'group', number = Inf, sort.by = 'p')
say('order', rownames(table))
say('adjusted p', table$adj.P.Val)
contrast <- eBayes(contrasts.fit(lmFit(again, cbind(zero = 1 - group, one = group)),
                                 makeContrasts(one - zero, levels = c('zero', 'one'))))
say('contrast t', contrast$t[, 1])

# Installed, whether or not it loads: one that does not must fail here, not count as absent.
ranges <- 'GenomicRanges' %in% list.files(.libPaths())
say('genomic ranges', if (ranges) 'present' else 'absent')
if (ranges) {
  sink(stderr()); suppressMessages(library(GenomicRanges)); sink()
  g <- GRanges('chr1', IRanges(range_start, width = range_width))
  merged <- reduce(g)
  say('merged start', start(merged)); say('merged end', end(merged))
  say('overlaps', countOverlaps(g, g)); say('coverage', sum(as.numeric(width(merged))))
}
say('seconds', proc.time()[['elapsed']] - started)
for (name in required_packages) say(paste('version of', name), as.character(packageVersion(name)))
say('nonce', nonce)
