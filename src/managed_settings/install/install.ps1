# Installs Claviger's managed configuration, on Windows, as an administrator: for Intune (Platform
# scripts; "Run this script using the logged on credentials: No") or another MDM. It can run any
# number of times, and changes nothing if the configuration is in place.
#
# Exit codes: 0 the configuration is in place, 1 it is not.
$ErrorActionPreference = 'Stop'

# In Base64, because Windows PowerShell reads a script in the system's code page.
$bytes = [Convert]::FromBase64String(@'
@CONFIGURATION@
'@)
$directory = Join-Path $env:ProgramData 'Claviger'
$file = Join-Path $directory 'config.toml'
$new = Join-Path $directory 'config.toml.new'
$backup = Join-Path $directory 'config.toml.backup'

function Set-Access($path, $grants) {
    # Administrators own it; S-1-5-18 is the system, S-1-5-32-545 are the users, in every language.
    icacls $path /setowner '*S-1-5-32-544' | Out-Null
    if ($LASTEXITCODE -ne 0) { throw "icacls cannot set the owner of $path" }
    icacls $path /inheritance:r /grant:r $grants | Out-Null
    if ($LASTEXITCODE -ne 0) { throw "icacls cannot set the access to $path" }
}

try {
    New-Item -ItemType Directory -Path $directory -Force | Out-Null
    Set-Access $directory @('*S-1-5-18:(OI)(CI)F', '*S-1-5-32-544:(OI)(CI)F', '*S-1-5-32-545:(OI)(CI)RX')
    if (Test-Path $new) { Remove-Item $new -Force }
    [IO.File]::WriteAllBytes($new, $bytes)
    $grants = @('*S-1-5-18:F', '*S-1-5-32-544:F', '*S-1-5-32-545:RX')
    Set-Access $new $grants
    if (Test-Path $file) {
        # A file keeps its access when its content is replaced.
        Set-Access $file $grants
        if ((Get-FileHash $new).Hash -eq (Get-FileHash $file).Hash) {
            Remove-Item $new -Force
            Write-Output "$file is in place"
            exit 0
        }
        [IO.File]::Replace($new, $file, $backup)
    }
    else {
        [IO.File]::Move($new, $file)
    }
    Write-Output "installed $file"
    exit 0
}
catch {
    [Console]::Error.WriteLine("claviger: the managed configuration cannot be installed: $_")
    exit 1
}
