"""From record files to a training set: merge, filter, split by repository, add made pairs, report.

    rows -> pairs -> judged one by one -> compared with one another -> split -> written, counted
    formats          filters              duplicates, likeness        splits   pipeline, report

Pairs stream from file to file; what stays in memory is told in `pipeline`. Imports no torch unless
a base's own likelihood is asked for.
"""
