# Completes the command line of sendoff in fish. Settings come from the command itself, which knows them best.

function __sendoff_command
    set -l words (commandline -opc)
    test (count $words) -eq 1
end

function __sendoff_is
    set -l words (commandline -opc)
    test (count $words) -gt 1; and contains -- $words[2] $argv
end

# Names with "=" behind them, and for those that have few, each value.
function __sendoff_settings
    set -l command (commandline -opc)[1]
    for line in ($command produce -X list 2>/dev/null)
        set -l parts (string match -r '^([a-z][a-z0-9.]*)=(.*)  \((\w+)(?:, (.*))?\)$' -- $line); or continue
        printf '%s=\t%s\n' $parts[2] $parts[4]
        if contains -- $parts[4] enumeration boolean
            printf "$parts[2]=%s\n" (string split ', ' -- $parts[5])
        end
    end
    printf 'list\tshows all settings\n'
end

complete -c sendoff -f
complete -c sendoff -n __sendoff_command -a produce -d 'Send lines of a file or of standard input'
complete -c sendoff -n __sendoff_command -a perf -d 'Measure what sending costs'
complete -c sendoff -n __sendoff_command -a broker -d 'Run a small Kafka broker in memory'
complete -c sendoff -n __sendoff_command -a version -d 'Print the version of the library'
complete -c sendoff -n __sendoff_command -a help -d 'Print the commands, or the help of one'
complete -c sendoff -n __sendoff_command -s V -l version -d 'Print the version of the library'
complete -c sendoff -s h -l help -d 'Print help'
complete -c sendoff -n '__sendoff_is help' -a 'produce perf broker version help'

complete -c sendoff -n '__sendoff_is produce perf' -s b -l brokers -x -d 'Brokers to start from: HOST:PORT,...'
complete -c sendoff -n '__sendoff_is produce perf broker' -s t -l topic -x -d 'Topic'
complete -c sendoff -n '__sendoff_is produce perf' -s p -l partition -x -d 'Send everything to this partition'
complete -c sendoff -n '__sendoff_is produce perf' -s z -l codec -x -a 'none gzip snappy lz4 zstd' -d Codec
complete -c sendoff -n '__sendoff_is produce perf' -s X -l setting -x -a '(__sendoff_settings)' -d 'Setting: NAME=VALUE'
complete -c sendoff -n '__sendoff_is produce perf' -s F -l settings-file -r -F -d 'Read settings from a file first'

complete -c sendoff -n '__sendoff_is produce' -F
complete -c sendoff -n '__sendoff_is produce' -s k -l key-separator -x -d 'What stands between key and value'
complete -c sendoff -n '__sendoff_is produce' -s H -l header -x -d 'Header for each record: NAME=VALUE'
complete -c sendoff -n '__sendoff_is produce' -s Z -l null-empty -d 'Send empty keys and values as null'

complete -c sendoff -n '__sendoff_is perf' -l records -x -d 'How many to send'
complete -c sendoff -n '__sendoff_is perf' -l size -x -d 'Bytes of a value'
complete -c sendoff -n '__sendoff_is perf' -l payload -r -F -a 'text random' -d 'What to send'
complete -c sendoff -n '__sendoff_is perf' -l keys -x -d 'How many different keys'
complete -c sendoff -n '__sendoff_is perf' -l rate -x -d 'Records a second'
complete -c sendoff -n '__sendoff_is perf' -l threads -x -d 'Threads that send'
complete -c sendoff -n '__sendoff_is perf' -l latency -d 'One record at a time'
complete -c sendoff -n '__sendoff_is perf' -l warm-up -x -d 'Records to send first, not measured'
complete -c sendoff -n '__sendoff_is perf' -l json -d 'Print a JSON object'

complete -c sendoff -n '__sendoff_is broker' -s l -l listen -x -d 'Where to listen: HOST:PORT'
complete -c sendoff -n '__sendoff_is broker' -l advertise -x -d 'Host that clients are told'
complete -c sendoff -n '__sendoff_is broker' -l auto-create -x -d 'Make topics, with so many partitions'
complete -c sendoff -n '__sendoff_is broker' -l data-limit -x -d 'Memory for records, in MiB'
complete -c sendoff -n '__sendoff_is broker' -s q -l quiet -d 'Print no summary at the end'
