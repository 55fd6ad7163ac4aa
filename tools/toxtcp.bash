# Bash completion for toxtcp.

_toxtcp() {
    local word=$2 previous=$3 command= options= i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; ++i)); do
        case ${COMP_WORDS[i]} in
        demo | probe | ping | top | relay | keygen)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done

    case $command:$previous in
    *:--snapshot | *:--key-file | *:--config | *:--nodes | *:--html | *:--prometheus | \
        *:--history | *:--proxy-password-file)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    *:--seconds | *:--rate | *:--port | *:--max-clients | *:--timeout | *:--parallel | *:--interval | *:--relay | \
        *:--count | *:--size | ping:-[cis])
        return
        ;;
    *:--on-change)
        mapfile -t COMPREPLY < <(compgen -c -- "$word")
        return
        ;;
    *:--proxy)
        mapfile -t COMPREPLY < <(compgen -W 'socks5:// http://' -- "$word")
        return
        ;;
    *:--address)
        mapfile -t COMPREPLY < <(compgen -W ':: 0.0.0.0 127.0.0.1' -- "$word")
        return
        ;;
    esac

    case $command in
    demo) options='--help --seconds --rate --snapshot --json --proxy --proxy-password-file' ;;
    probe)
        options='--help --nodes --seconds --rate --timeout --parallel --ipv4 --ipv6 --all-ports --watch --interval
            --json --html --prometheus --history --on-change --proxy --proxy-password-file'
        ;;
    ping)
        options='--help --relay --listen --key-file --data --count --interval --size --json --proxy
            --proxy-password-file'
        ;;
    top) options='--help --interval --once' ;;
    relay) options='--help --port --address --key-file --max-clients --json --config' ;;
    keygen) options='--help --json' ;;
    *) options='demo probe ping top relay keygen --help --version' ;;
    esac

    if [[ $word != -* && ($command == top || $command == keygen) ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
}

complete -F _toxtcp toxtcp
