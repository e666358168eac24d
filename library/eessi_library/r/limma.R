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

# The published formula in base R, without limma: G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 3
# (2004) article 3, sections 3 and 6.2. The root of trigamma is bracketed, not limma's Newton.
least <- lm.fit(cbind(1, group), t(expression))
df <- samples - 2
variance <- colSums(least$residuals^2) / df
e <- log(variance) - digamma(df / 2) + log(df / 2)
surplus <- var(e) - trigamma(df / 2)
root <- uniroot(function(x) log(trigamma(exp(x)) / surplus), c(-30, 30), tol = 1e-15)
d0 <- 2 * exp(root$root)
s0 <- exp(mean(e) + digamma(d0 / 2) - log(d0 / 2))
posterior <- (d0 * s0 + df * variance) / (d0 + df)
total <- min(d0 + df, df * genes)
moderated <- least$coefficients[2, ] / sqrt(posterior * (1 / sum(group == 0) + 1 / sum(group == 1)))
tail <- 2 * pt(-abs(moderated), total)
say('base df prior', d0)
say('base s2 prior', s0)
say('base s2 post', posterior)
say('base t', moderated)
say('base p', tail)
say('base adjusted p', sort(p.adjust(tail, 'BH')))

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
